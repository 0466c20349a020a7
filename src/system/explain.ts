import { basename } from 'node:path';
import { CliError, type ErrorFacts } from '../errors/cli-error.ts';
import { knownIssue, type IssueTool } from '../errors/known-issues.ts';
import type { Reason } from '../errors/reasons.ts';
import type { CommandError } from './command-error.ts';
import type { Command } from './system.ts';
import { createMask, type Mask } from './mask.ts';
import { plainText, tail } from './plain-text.ts';
import { quoteCommand } from './quote.ts';

const TAIL_LINES = 15;

/**
 * What a failed command means for the person who must act: a known issue in our words, or the plain fact. The command
 * is shown pasteable, and no output is shown of one whose output is a secret.
 */
export function explain(error: CommandError, mask?: Pick<Mask, 'text'>): CliError {
  const { command, result, failure } = error;
  const stderr = command.secretOutput === true ? '' : result.stderr;
  const tool = toolOf(command, stderr, result.exitCode);
  // An interrupt or a full wait is what happened, whatever else the program wrote before it.
  const issue = failure === 'exit' ? knownIssue(plainText(stderr), tool) : undefined;
  const own = createMask();
  for (const secret of command.secrets ?? []) own.add(secret);
  const safe = (text: string): string => (mask ?? own).text(own.text(text));
  const facts: ErrorFacts = {
    message: issue?.sentence ?? safe(plainFact(error, tool)),
    command: safe(shownCommand(command)),
    cause: error,
  };
  const hint = issue?.hint ?? HINTS[failure];
  const stderrTail = safe(tail(stderr, TAIL_LINES));
  return new CliError(issue?.reason ?? reasonOf(error, tool), {
    ...facts,
    ...(hint === undefined ? {} : { hint: hint.replaceAll('TOOL', basename(command.file)) }),
    ...(stderrTail === '' ? {} : { stderrTail }),
  });
}

const HINTS: Partial<Record<CommandError['failure'], string>> = {
  'not-found': 'Install TOOL, and see that it is on the PATH.',
  'timed-out': 'Run the same command again: it goes on where it stopped.',
  aborted: 'Run the same command again: it goes on where it stopped.',
};

const REASON_OF: Record<CommandError['failure'], Reason> = {
  'not-found': 'tool-missing',
  'timed-out': 'gave-up-waiting',
  aborted: 'interrupted',
  exit: 'tool-failed',
  killed: 'tool-failed',
};

function reasonOf({ failure }: CommandError, tool: IssueTool | undefined): Reason {
  const reason = REASON_OF[failure];
  return reason === 'tool-failed' && tool === 'guest' ? 'guest-failed' : reason;
}

function plainFact(error: CommandError, tool: IssueTool | undefined): string {
  if (tool !== 'guest' || error.failure !== 'exit') return `${error.message}.`;
  return `A command on the machine ${guestName(error.command)} ended with exit code ${error.result.exitCode}.`;
}

/** Which program the words on stderr are from. With `exec` of an engine it is the guest, unless the engine says otherwise. */
export function toolOf(command: Command, stderr: string, exitCode?: number): IssueTool | undefined {
  switch (basename(command.file).replace(/-\d.*$/, '')) {
    case 'multipass':
      return command.args[0] === 'exec' && !/^exec failed: |multipass_root_cert/m.test(stderr) ? 'guest' : 'multipass';
    case 'incus':
      // Commands on a machine that never began end with 255 and Incus' own words.
      return command.args[0] === 'exec' && !(exitCode === 255 && /^Error: /m.test(stderr)) ? 'guest' : 'incus';
    case 'kubectl':
      return 'kubectl';
    case 'istioctl':
      return 'istioctl';
    case 'docker':
    case 'podman':
      return 'container';
    default:
      return undefined;
  }
}

/** `multipass exec -n NAME`, or `incus exec … REMOTE:NAME --mode …`. */
function guestName({ file, args }: Command): string {
  const name = basename(file) === 'incus' ? args[args.indexOf('--mode') - 1] : args[args.indexOf('-n') + 1];
  return name?.split(':').at(-1) ?? '';
}

/** A whole script among the arguments would fill the screen: its first line stands for it. */
function shownCommand(command: Command): string {
  const args = command.args.map((arg) => {
    const lines = arg.split('\n');
    return lines.length <= 3 ? arg : `${lines[0] ?? ''} … (${lines.length} lines)`;
  });
  return quoteCommand(command.file, args);
}
