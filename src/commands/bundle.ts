import prettyBytes from 'pretty-bytes';
import { absolutePath } from '../config/paths.ts';
import { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { runPlan } from '../plan/run.ts';
import { makePlan } from '../plan/plan.ts';
import type { Lab } from '../steps/lab.ts';
import { BUNDLE_BOUNDS, bundleMaking, lacksImages, type BundleRequest, type MadeBundle } from '../steps/make-bundle.ts';
import type { Cpu } from '../system/doors.ts';
import { renderTable } from '../ui/table.ts';
import { whileAlone } from './alone.ts';
import { runData } from './carry-out.ts';
import type { Answer, Session } from './command.ts';
import { session } from './session.ts';
import { requireTools } from './tools.ts';

interface BundleOptions extends GlobalOptions {
  readonly file?: string;
  readonly cpu?: Cpu | 'both';
  readonly istioctl?: readonly string[];
  readonly imageArchive?: readonly string[];
}

/** The lab in a file: `bundle create`. */
export async function bundle(invocation: Invocation, options: BundleOptions): Promise<ExitCode> {
  return session({
    command: 'bundle',
    invocation,
    options,
    from: 'nothing',
    body: (work) => whileAlone(work, () => create(work, options)),
  });
}

async function create(work: Session, options: BundleOptions): Promise<Answer> {
  const { lab } = work.app;
  const request = await requestOf(work, options);
  const making = bundleMaking(lab, request);
  try {
    if (await lacksImages(lab, request)) await requireTools(lab, ['container']);
    const run = await runPlan({
      plan: makePlan(making.steps, { kind: 'apply', targets: 'all' }),
      bounds: BUNDLE_BOUNDS,
      clock: lab.doors.clock,
      signal: work.signal,
      onEvent: work.reporter.event,
    });
    const made = making.made();
    if (run.error !== undefined) return { data: runData(run), text: '', run, error: run.error };
    if (made === undefined) throw new Error('a bundle that was made is not there');
    return { data: { ...runData(run), bundle: made }, text: tableOf(made, work), run };
  } finally {
    await making.tidy();
  }
}

async function requestOf(
  work: Session,
  { file, cpu = 'both', istioctl = [], imageArchive = [] }: BundleOptions,
): Promise<BundleRequest> {
  const { lab, rehearsal } = work.app;
  const imageArchives = imageArchive.map((path) => absolutePath(path, lab.host));
  for (const path of imageArchives) {
    if ((await work.around.real.files.stat(path)) !== undefined) continue;
    throw new CliError('wrong-usage', {
      message: `There is no image archive ${path}.`,
      hint: 'Name a file that `docker save` or `podman save` has written.',
    });
  }
  if (rehearsal !== undefined && imageArchives.length > 0) {
    const text = 'Image archives are not read in a rehearsal: their images come from the simulated container tool.';
    work.reporter.event({ type: 'notice', at: lab.doors.clock.now(), text });
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

function tableOf(made: MadeBundle, { screen }: Session): string {
  const { files, images } = made.manifest;
  const rows = [
    ...files.map(({ file, version, size, sha256 }) => [file, version, prettyBytes(size), sha256.slice(0, 12)]),
    ...images.map(({ file, names, size, sha256 }) => [file, names.join('\n'), prettyBytes(size), sha256.slice(0, 12)]),
  ];
  const { paint, width } = screen.answer;
  const table = renderTable({ head: ['file', 'holds', 'size', 'sha256'], rows, width, paint }).trimEnd();
  return `${table}\n\n${made.path}: ${prettyBytes(made.size)}, sha256 ${made.sha256}\nUse it where there is no network: istio-vms up --bundle ${made.path}`;
}
