import prettyBytes from 'pretty-bytes';
import { absolutePath } from '../config/paths.ts';
import { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { runPlan } from '../plan/run.ts';
import { makePlan } from '../plan/plan.ts';
import type { Lab } from '../steps/lab.ts';
import {
  BUNDLE_LIMITS,
  planBundle,
  lacksImages,
  type BundleRequest,
  type CreatedBundle,
} from '../steps/create-bundle.ts';
import type { Cpu } from '../system/system.ts';
import { renderTable } from '../ui/table.ts';
import { withLabLock } from './lab-lock.ts';
import { runData } from './run-plan.ts';
import { contextOf, type CommandOutput, type Session } from './command.ts';
import { runSession } from './session.ts';
import { requireTools } from './tools.ts';

interface BundleOptions extends GlobalOptions {
  readonly file?: string;
  readonly cpu?: Cpu | 'both';
  readonly istioctl?: readonly string[];
  readonly imageArchive?: readonly string[];
}

/** `bundle create`: writes everything that a lab needs into one file. */
export async function bundle(invocation: Invocation, options: BundleOptions): Promise<ExitCode> {
  return runSession({
    command: 'bundle',
    invocation,
    options,
    from: 'nothing',
    body: (session) => withLabLock(session, () => create(session, options)),
  });
}

async function create(session: Session, options: BundleOptions): Promise<CommandOutput> {
  const { lab } = session.app;
  const request = await requestOf(session, options);
  const creation = planBundle(lab, request);
  try {
    if (await lacksImages(lab, request)) await requireTools(lab, ['container'], contextOf(session));
    const run = await runPlan({
      plan: makePlan(creation.steps, { kind: 'apply', targets: 'all' }),
      bounds: BUNDLE_LIMITS,
      clock: lab.system.clock,
      signal: session.signal,
      onEvent: session.reporter.event,
    });
    const made = creation.made();
    if (run.error !== undefined) return { data: runData(run), text: '', run, error: run.error };
    if (made === undefined) throw new Error('a bundle that was made is not there');
    return { data: { ...runData(run), bundle: made }, text: tableOf(made, session), run };
  } finally {
    await creation.cleanUp();
  }
}

async function requestOf(
  session: Session,
  { file, cpu = 'both', istioctl = [], imageArchive = [] }: BundleOptions,
): Promise<BundleRequest> {
  const { lab, rehearsal } = session.app;
  const imageArchives = imageArchive.map((path) => absolutePath(path, lab.host));
  for (const path of imageArchives) {
    if ((await session.environment.real.files.stat(path)) !== undefined) continue;
    throw new CliError('usage-error', {
      message: `There is no image archive ${path}.`,
      hint: 'Name a file that `docker save` or `podman save` has written.',
    });
  }
  if (rehearsal !== undefined && imageArchives.length > 0) {
    const text = 'Image archives are not read in a rehearsal: their images come from the simulated container tool.';
    session.reporter.event({ type: 'notice', at: lab.system.clock.now(), text });
  }
  return {
    cpus: cpu === 'both' ? ['amd64', 'arm64'] : [cpu],
    istioctl,
    output: absolutePath(file ?? defaultName(lab, cpu), lab.host),
    imageArchives: rehearsal === undefined ? imageArchives : [],
  };
}

function defaultName({ config }: Lab, cpu: Cpu | 'both'): string {
  return `istio-vms-bundle-${config.istio.version}${cpu === 'both' ? '' : `-${cpu}`}.tar`;
}

function tableOf(made: CreatedBundle, { screen }: Session): string {
  const { files, images } = made.manifest;
  const rows = [
    ...files.map(({ file, version, size, sha256 }) => [file, version, prettyBytes(size), sha256.slice(0, 12)]),
    ...images.map(({ file, names, size, sha256 }) => [file, names.join('\n'), prettyBytes(size), sha256.slice(0, 12)]),
  ];
  const { paint, width } = screen.answer;
  const table = renderTable({ head: ['file', 'holds', 'size', 'sha256'], rows, width, paint }).trimEnd();
  return `${table}\n\n${made.path}: ${prettyBytes(made.size)}, sha256 ${made.sha256}\nUse it where there is no network: istio-vms up --bundle ${made.path}`;
}
