import { posix } from 'node:path';
import { readStandIn } from '../../stand-in.ts';
import type { HostCall, ProgramResult } from '../../world.ts';

/** Exit 1 with istioctl's `Error: …`. */
export const istioError = (text: string): ProgramResult => ({ exitCode: 1, stderr: `Error: ${text}\n` });

/** istioctl rejects a flag or word, and the rehearsal reports which one. */
export const refused = (what: string): ProgramResult => ({
  exitCode: 64,
  stderr: `Error: unknown command or flag: ${what}\n`,
  refused: `istioctl ${what}`,
});

/** The version of this istioctl: from the content of the file, otherwise from its name. */
export async function binaryOf({
  files,
  command,
  world,
}: HostCall): Promise<{ version: string } | { problem: ProgramResult }> {
  const bytes = await files.read(command.file);
  const standIn = readStandIn(bytes);
  // The write of the file was interrupted, so it is not a program.
  const cut = standIn === undefined && bytes !== undefined && Buffer.from(bytes).toString().startsWith('{"artifact"');
  const version = cut
    ? undefined
    : (standIn?.version ?? /^istioctl-(\d+\.\d+\.\d+)$/.exec(posix.basename(command.file))?.[1]);
  if (version === undefined)
    return { problem: { exitCode: 126, stderr: `${command.file}: cannot execute binary file\n` } };
  const { platform, cpu } = world.host;
  const runs = platform === 'darwin' ? ['osx', 'osx-amd64', `osx-${cpu}`] : [`linux-${cpu}`];
  if (standIn !== undefined && !runs.includes(standIn.cpu)) {
    return { problem: { exitCode: 126, stderr: `${command.file}: cannot execute binary file: Exec format error\n` } };
  }
  return { version };
}

/** The minor of `1.19.3` as a number. */
export const minorOf = (version: string): number => Number(version.split('.')[1]);
