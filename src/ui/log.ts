import { CommandError } from '../system/command-error.ts';
import type { Clock, Command, CommandResult, Files, Processes } from '../system/system.ts';
import type { Mask } from '../system/mask.ts';
import { sha256 } from '../system/digest.ts';
import { plainText } from '../system/plain-text.ts';
import { quoteCommand } from '../system/quote.ts';
import { counted, duration } from '../plan/text.ts';
import { createDirectionTracker, createRepeatFilter, plainLine, REPEAT_INTERVAL_MS } from './plain.ts';
import type { Reporter } from './reporter.ts';

/** The full log of one run: one file, in chronological order, secrets masked. */
export interface RunLog {
  readonly path: string;
  /** Secrets added here are masked from now on. */
  readonly mask: Mask;
  /** Log the full output of commands, and every progress message. */
  readonly verbose: boolean;
  /** Adds an entry with a timestamp; its further lines are indented. */
  readonly write: (text: string) => void;
  /** Resolves when everything so far is in the file, with the first write error if there was one. */
  readonly flush: () => Promise<unknown>;
}

export interface RunLogOptions {
  readonly files: Pick<Files, 'append'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly path: string;
  readonly mask: Mask;
  readonly verbose?: boolean;
}

/** Creates a log. It is written in the background: a log that cannot be written (a full disk) must not stop the run. */
export function createRunLog({ files, clock, path, mask, verbose = false }: RunLogOptions): RunLog {
  let pending = '';
  let problem: unknown;
  let written = Promise.resolve();

  const drain = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (text === '' || problem !== undefined) return;
    try {
      await files.append(path, text);
    } catch (error) {
      problem = error;
    }
  };

  return {
    path,
    mask,
    verbose,
    write: (text) => {
      const entry = mask.text(text).trimEnd().replaceAll('\n', '\n    ');
      pending += `${new Date(clock.now()).toISOString()}  ${entry}\n`;
      // The first drain also writes entries that arrived meanwhile.
      written = written.then(drain);
    },
    flush: async () => {
      await written;
      return problem;
    },
  };
}

/** Output of a command that is longer than this, in characters, is truncated in the log. */
const LONGEST_OUTPUT = 64 * 1024;
/**
 * The output of a successful read is truncated here, in characters: otherwise most of a log would be the JSON of whole
 * clusters.
 */
const LONGEST_ANSWER = 1024;

/** The same interface; every command is logged with its owner and its result. */
export function loggingProcesses(processes: Processes, log: RunLog): Processes {
  let count = 0;
  return {
    run: async (command, context) => {
      const number = ++count;
      for (const secret of command.secrets ?? []) log.mask.add(secret);
      const owner = context.owner?.split('/').at(-1);
      const whose = owner === undefined ? '' : ` (${owner})`;
      log.write(
        `#${number} ${command.effect}${whose} $ ${quoteCommand(command.file, command.args)}${inputOf(command)}`,
      );
      try {
        const result = await processes.run(command, context);
        log.write(`#${number} ${ending(command, result, `exit ${result.exitCode}`, log.verbose)}`);
        return result;
      } catch (error) {
        if (error instanceof CommandError)
          log.write(`#${number} ${ending(command, error.result, error.message, true)}`);
        else log.write(`#${number} ${String(error)}`);
        throw error;
      }
    },
  };
}

/** Writes the progress of the run to the log. */
export function createLogReporter(log: Pick<RunLog, 'write' | 'flush' | 'verbose'>): Reporter {
  const directions = createDirectionTracker();
  const isNews = createRepeatFilter(log.verbose ? 0 : REPEAT_INTERVAL_MS);
  return {
    event: (event) => {
      directions.see(event);
      if ((event.type === 'step-said' || event.type === 'check-said') && !isNews(event)) return;
      const line = plainLine(event, directions.removing());
      // The log adds its own timestamp.
      if (line !== undefined) log.write(line.slice('00:00:00Z  '.length));
    },
    finish: async () => {
      await log.flush();
    },
    abandon: () => undefined,
  };
}

/** Standard input may contain secrets, so only its size is logged. */
function inputOf({ stdin }: Command): string {
  if (stdin === undefined) return '';
  if (typeof stdin === 'string') return `  (stdin: ${Buffer.byteLength(stdin)} bytes)`;
  if (stdin instanceof Uint8Array) return `  (stdin: ${stdin.length} bytes)`;
  return 'file' in stdin ? '  (stdin: a file)' : `  (stdin: ${counted(stdin.tar.length, 'file')})`;
}

/** @param whole don't truncate the output of a successful read */
function ending(command: Command, result: CommandResult, how: string, whole: boolean): string {
  const secret = command.secretOutput === true;
  const stdout = secret
    ? `(${result.stdoutBytes.length} bytes, withheld)`
    : output(result.stdout, whole || command.effect === 'write');
  return [
    `${how} after ${duration(result.durationMs)}`,
    labeled('|', stdout),
    labeled('!', secret ? '' : output(result.stderr, true)),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function output(text: string, whole: boolean): string {
  if (text.includes('\0')) return `(binary, ${text.length} characters)`;
  if (!whole && text.length > LONGEST_ANSWER) {
    const digest = sha256(text).slice(0, 12);
    const begin = plainText(text.slice(0, LONGEST_ANSWER / 4)).trimEnd();
    return `${begin}\n(${text.length} characters, sha256 ${digest}; -v keeps the whole)`;
  }
  const plain = plainText(text).trimEnd();
  const more = plain.length - LONGEST_OUTPUT;
  return more > 0 ? `${plain.slice(0, LONGEST_OUTPUT)}\n(${more} characters more)` : plain;
}

function labeled(label: string, text: string): string {
  if (text === '') return '';
  // Replaces in the whole text instead of line by line: an output may have thousands of lines. Trailing blanks are
  // already removed.
  return `${label} ${text.replaceAll('\n', `\n${label} `)}`.replaceAll(`${label} \n`, `${label}\n`);
}
