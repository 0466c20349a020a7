import { basename } from 'node:path/posix';
import { counted } from '../plan/text.ts';
import { noDownloads, type Bundle } from '../artifacts/bundle.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { memoize } from './memoize.ts';

export const BUNDLE_STEP = 'bundle';

/** The same lab with everything out of a file: whatever is not in there cannot be had. */
export function withBundle(lab: Lab, bundle: Bundle): Lab {
  return { ...lab, bundle, system: { ...lab.system, downloads: noDownloads(bundle) } };
}

/** Everything out of a file: held to its manifest, then laid into the cache, where all other steps look. */
export function bundleStep(bundle: Bundle): LabStep {
  // The bundle is large; it is read to its end once in a run, and what the cache lacks is written.
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
