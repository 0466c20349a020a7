import { CliError } from '../errors/cli-error.ts';
import type { Command, CommandResult, Context, Files, TarMember } from '../system/system.ts';
import { MARKER } from './ownership.ts';
import { asRoot, type GuestFile, type GuestScript, type PutContext, type PutResult } from './machine.ts';

/** Installing a package over a slow line is the longest that a payload does. */
const PUT_MS = 900_000;

/** What is on the other side of `put`: data/guest/place.sh, which serves the machines of one lab alone. */
export interface PlaceScript {
  readonly text: string;
  readonly lab: string;
}

/** What `put` needs of a machine: any engine's. */
export interface PutPlace {
  run(command: Command, context: Context): Promise<CommandResult>;
  readonly files: Pick<Files, 'stat'>;
  readonly place: PlaceScript;
}

/**
 * Carries files and a script onto a machine in one call.
 * @throws CommandError with exit code 19, and nothing changed, when the machine does not bear the lab's mark
 */
export async function putFiles(
  machine: PutPlace,
  files: readonly GuestFile[],
  script: GuestScript | undefined,
  context: PutContext,
): Promise<PutResult> {
  const command = asRoot({
    file: 'sh',
    args: ['-c', machine.place.text, 'istio-vms-place', MARKER, machine.place.lab, ...(script?.args ?? [])],
    effect: 'write',
    stdin: { tar: await payload(files, script, machine.files) },
    timeoutMs: context.timeoutMs ?? PUT_MS,
  });
  const { stdout } = await machine.run(command, context);
  return parseAnswer(stdout);
}

/** The tar that goes along: `manifest`, `files/<PATH>`, `then.sh`. The same input gives the same bytes. */
export async function payload(
  files: readonly GuestFile[],
  script: GuestScript | undefined,
  host: Pick<Files, 'stat'>,
): Promise<readonly TarMember[]> {
  const members: TarMember[] = [{ name: 'manifest', content: files.map(manifestLine).join(''), mode: 0o600 }];
  for (const file of files) {
    await refuseMissing(file, host);
    // Owner and final mode come from the manifest: until then the file is root's alone.
    members.push({ name: `files${file.path}`, content: file.content, mode: 0o600 });
  }
  if (script !== undefined) members.push({ name: 'then.sh', content: script.text, mode: 0o600 });
  return members;
}

function manifestLine({ path, mode, owner = 'root', group = 'root' }: GuestFile): string {
  // A tab or newline would turn one line into another one.
  for (const field of [path, owner, group]) {
    if (/[\t\n]/.test(field)) throw new Error(`not a name for a file on a machine: ${JSON.stringify(field)}`);
  }
  if (!path.startsWith('/')) throw new Error(`not an absolute path on the machine: ${path}`);
  return `${mode.toString(8).padStart(4, '0')}\t${owner}\t${group}\t${path}\n`;
}

async function refuseMissing({ path, content }: GuestFile, host: Pick<Files, 'stat'>): Promise<void> {
  if (typeof content === 'string' || content instanceof Uint8Array) return;
  if ((await host.stat(content.file)) !== undefined) return;
  throw new CliError('not-converged', {
    message: `${content.file} is not there, though it should go onto the machine as ${path}.`,
    hint: 'Run the step that makes it again.',
  });
}

/** `changed PATH` lines, then, when a script came along, `--` and the script's own output. */
export function parseAnswer(stdout: string): PutResult {
  const [report = '', ...rest] = stdout.split(/^--\n/m);
  const changed = report
    .split('\n')
    .filter((line) => line.startsWith('changed '))
    .map((line) => line.slice('changed '.length));
  return { changed, stdout: rest.join('--\n') };
}
