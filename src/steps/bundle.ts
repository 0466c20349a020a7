import { basename } from 'node:path/posix';
import { counted } from '../plan/text.ts';
import { noDownloads, type Bundle } from '../artifacts/bundle.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { memoize } from './memoize.ts';

export const BUNDLE_STEP = 'bundle';

/** The same lab, with all files taken from a bundle: what the bundle lacks is not available. */
export function withBundle(lab: Lab, bundle: Bundle): Lab {
  return { ...lab, bundle, system: { ...lab.system, downloads: noDownloads(bundle) } };
}

/** Verifies the bundle against its manifest and copies its files into the cache, which all other steps use. */
export function bundleStep(bundle: Bundle): LabStep {
  // The bundle is large: it is read completely only once per run, and only what the cache lacks is written.
  const verified = memoize(() => bundle.verify());
  let unpacked = false;
  return {
    id: BUNDLE_STEP,
    title: `bundle ${basename(bundle.path)}`,
    needs: [],
    command: 'up',
    tools: [],
    expectMs: 10_000,
    async check() {
      const missing = unpacked ? [] : await verified.get();
      return missing.length === 0 ? 'ready' : { missing: `${counted(missing.length, 'file')} not in the cache yet` };
    },
    async apply(context) {
      const missing = await verified.get();
      context.say(`unpacking ${counted(missing.length, 'file')}`);
      await bundle.unpack(missing);
      unpacked = true;
    },
  };
}
