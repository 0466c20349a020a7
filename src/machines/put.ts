import { CliError } from '../errors/cli-error.ts';
import type { Command, CommandResult, Context, Files, TarMember } from '../system/system.ts';
import { MARKER } from './ownership.ts';
import { asRoot, type GuestFile, type GuestScript, type PutContext, type PutResult } from './machine.ts';

/** The longest payload is the installation of a package over a slow connection. */
const PUT_MS = 900_000;

/** The script that `put` runs on the machine: data/guest/place.sh, which only accepts machines of its own lab. */
export interface PlaceScript {
  readonly text: string;
  readonly lab: string;
}

/** What `put` needs of a machine, whatever its engine. */
export interface PutPlace {
  run(command: Command, context: Context): Promise<CommandResult>;
  readonly files: Pick<Files, 'stat'>;
  readonly place: PlaceScript;
}

/**
 * Copies files and a script to a machine in one call.
 * @throws CommandError with exit code 19, and nothing changed, when the machine does not have the lab's marker
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

/** The tar to send: `manifest`, `files/<PATH>`, `then.sh`. The same input gives the same bytes. */
export async function payload(
  files: readonly GuestFile[],
  script: GuestScript | undefined,
  host: Pick<Files, 'stat'>,
): Promise<readonly TarMember[]> {
  const members: TarMember[] = [{ name: 'manifest', content: files.map(manifestLine).join(''), mode: 0o600 }];
  for (const file of files) {
    await refuseMissing(file, host);
    // The manifest sets owner and final mode; until then only root can read the file.
    members.push({ name: `files${file.path}`, content: file.content, mode: 0o600 });
  }
  if (script !== undefined) members.push({ name: 'then.sh', content: script.text, mode: 0o600 });
  return members;
}

function manifestLine({ path, mode, owner = 'root', group = 'root' }: GuestFile): string {
  // A tab or newline would break the line format of the manifest.
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
    message: `${content.file} does not exist, but is needed on the machine as ${path}.`,
    hint: 'Run the step that creates it again.',
  });
}

/** Parses `changed PATH` lines and, if there was a script, `--` and the script's output. */
export function parseAnswer(stdout: string): PutResult {
  const [report = '', ...rest] = stdout.split(/^--\n/m);
  const changed = report
    .split('\n')
    .filter((line) => line.startsWith('changed '))
    .map((line) => line.slice('changed '.length));
  return { changed, stdout: rest.join('--\n') };
}
