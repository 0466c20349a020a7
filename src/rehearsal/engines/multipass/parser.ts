import type { ProgramResult } from '../../world.ts';

export { parseArgs, type CommandShape, type ParsedArgs } from '../arguments.ts';

/** A failure of the client itself: a bad command line. */
export function usage(text: string, refused?: string): ProgramResult {
  return { exitCode: 1, stderr: `${text}\n`, ...(refused === undefined ? {} : { refused }) };
}

/** A failure that the daemon reports. */
export function failure(command: string, ...lines: readonly string[]): ProgramResult {
  return { exitCode: 2, stderr: `${command} failed: ${lines.join('\n')}\n` };
}

/** The daemon's error for a selection of instances; none of them was changed. */
export function failures(command: string, items: readonly string[]): ProgramResult {
  return failure(command, 'The following errors occurred:', ...items);
}

/** The spinner's output on stdout, which is written even without a terminal (docs/facts/multipass.md 4). */
export function spinner(text: string): string {
  return `\x1b[2K\x1b[0A\x1b[0E${text}  |\b/\b-\b\\\b\x1b[2K\x1b[0A\x1b[0E`;
}
