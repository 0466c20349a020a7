import { basename } from 'node:path';
import { CliError, type ErrorFacts } from '../errors/cli-error.ts';
import { knownIssue } from '../errors/known-issues.ts';
import type { Reason } from '../errors/reasons.ts';
import type { CommandError } from './command-error.ts';
import type { Command } from './system.ts';
import { createMask, type Mask } from './mask.ts';
import { plainText, tail } from './plain-text.ts';
import { quoteCommand } from './quote.ts';

const TAIL_LINES = 15;

/**
 * Explains a failed command: with the text of a known issue, or else with the plain error. The command is shown so that
 * it can be pasted; the output is omitted when it is secret.
 */
export function explain(error: CommandError, mask?: Pick<Mask, 'text'>): CliError {
  const { command, result, failure } = error;
  const stderr = command.secretOutput === true ? '' : result.stderr;
  // After an interrupt or a timeout, that is the reason, whatever the program printed before.
  const issue = failure === 'exit' ? knownIssue(plainText(stderr), command.origin, error.issues) : undefined;
  const own = createMask();
  for (const secret of command.secrets ?? []) own.add(secret);
  const safe = (text: string): string => (mask ?? own).text(own.text(text));
  const facts: ErrorFacts = {
    message: issue?.sentence ?? safe(plainFact(error)),
    command: safe(shownCommand(command)),
    cause: error,
  };
  const hint = issue?.hint ?? HINTS[failure];
  const stderrTail = safe(tail(stderr, TAIL_LINES));
  return new CliError(issue?.reason ?? reasonOf(error), {
    ...facts,
    ...(hint === undefined ? {} : { hint: withCommands(hint, command) }),
    ...(stderrTail === '' ? {} : { stderrTail }),
  });
}

const HINTS: Partial<Record<CommandError['failure'], string>> = {
  'not-found': 'Install TOOL, and check that it is on the PATH.',
  'timed-out': 'Re-run the same command to resume.',
  aborted: 'Re-run the same command to resume.',
};

const REASON_OF: Record<CommandError['failure'], Reason> = {
  'not-found': 'tool-missing',
  'timed-out': 'timed-out',
  aborted: 'interrupted',
  exit: 'tool-failed',
  killed: 'tool-failed',
};

/** The hint with the names of the programs actually in use. */
function withCommands(hint: string, { file, onMachine }: Command): string {
  return hint
    .replaceAll('TOOL', basename(file))
    .replaceAll(' (`RESTART`)', onMachine?.restartHint === undefined ? '' : ` (\`${onMachine.restartHint}\`)`);
}

function reasonOf({ failure, command }: CommandError): Reason {
  const reason = REASON_OF[failure];
  return reason === 'tool-failed' && command.origin === 'guest' ? 'guest-failed' : reason;
}

function plainFact(error: CommandError): string {
  const { origin, onMachine } = error.command;
  if (origin !== 'guest' || error.failure !== 'exit') return `${error.message}.`;
  return `A command on the machine ${onMachine?.name ?? ''} ended with exit code ${error.result.exitCode}.`;
}

/** A script among the arguments is shown by its first line only, because the whole would fill the screen. */
function shownCommand(command: Command): string {
  const args = command.args.map((arg) => {
    const lines = arg.split('\n');
    return lines.length <= 3 ? arg : `${lines[0] ?? ''} … (${lines.length} lines)`;
  });
  return quoteCommand(command.file, args);
}
