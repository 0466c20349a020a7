import { openBundle } from '../artifacts/bundle.ts';
import { requireFitting } from '../artifacts/bundle-manifest.ts';
import { absolutePath } from '../config/paths.ts';
import type { GlobalOptions } from '../invocation.ts';
import { makePlan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { withBundle } from '../steps/bundle.ts';
import { BUNDLE_LIMITS, planBundle } from '../steps/create-bundle.ts';
import type { Session } from './command.ts';

/**
 * The same session with all artifacts from the bundle.
 * @throws CliError when the bundle does not exist or has other versions
 */
export async function useBundle(session: Session, file: string): Promise<Session> {
  const { lab } = session.app;
  const { cache, temp } = lab.config.paths;
  const path = absolutePath(file, lab.host);
  const bundle = await openBundle(path, { files: lab.system.files, cacheDir: cache, tempDir: temp });
  requireFitting(bundle.manifest, lab.config, path);
  return { ...session, app: { ...session.app, lab: withBundle(lab, bundle) } };
}

/** A rehearsal with a bundle has no network, which shows that none is needed. */
export function rehearseOffline<Options extends GlobalOptions>(options: Options): Options {
  return options.rehearse ? { ...options, fault: [...options.fault, 'offline'] } : options;
}

/** A rehearsal uses a simulated bundle, as if it had been created on another computer. */
export async function simulateBundle({ app, signal }: Session, file: string): Promise<void> {
  const { lab } = app;
  const creation = planBundle(lab, {
    cpus: ['amd64', 'arm64'],
    output: absolutePath(file, lab.host),
    imageArchives: [],
  });
  const plan = makePlan(creation.steps, { kind: 'apply', targets: 'all' });
  const { error } = await runPlan({ plan, bounds: BUNDLE_LIMITS, clock: lab.system.clock, signal });
  if (error !== undefined) throw error;
  await creation.cleanUp();
  await lab.system.files.remove(lab.config.paths.cache);
}
