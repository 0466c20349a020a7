import { InvalidArgumentError, Option, type Command } from 'commander';
import { repeatable } from './cli-spec.ts';
import { LOCK_TIMEOUT_S, REHEARSAL_STARTS } from './invocation.ts';

/** For commands that change something. */
export function lockTimeout(): Option {
  return new Option(
    '--lock-timeout <s>',
    `seconds to wait for another run with the same DATA_DIR; 0 fails at once (default: ${LOCK_TIMEOUT_S})`,
  ).argParser(wholeSeconds);
}

/** Options of every command, together with `more`. */
export function addCommonOptions(command: Command, more: readonly Option[]): void {
  const common: readonly Option[] = [
    new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'),
    new Option('-c, --config <file>', 'configuration file (default: run.env in the working directory)'),
    new Option('-s, --set <NAME=VALUE>', 'set a variable; overrides the environment and the file (repeatable)')
      .default({})
      .argParser(collectSetting),
    new Option('-q, --quiet', 'suppress progress output').default(false),
    new Option('-v, --verbose', 'print every event on a line of its own; keep full command output in the log').default(
      false,
    ),
    ...more,
    new Option('-h, --help', 'print this help'),
  ];
  const rehearsal: readonly Option[] = [
    new Option('--rehearse', 'run in a simulated world; nothing real is touched').default(false),
    new Option(
      '--from <start>',
      'start from nothing, needs (what the command needs), lab (a complete lab) or real (the state of your lab)',
    ).choices(REHEARSAL_STARTS),
    repeatable('--fault <name>', 'inject a fault (repeatable; an unknown name lists all)'),
  ];
  for (const option of common.slice(0, -1)) command.addOption(option.helpGroup('Global options:'));
  command.addHelpOption((common.at(-1) as Option).helpGroup('Global options:'));
  for (const option of rehearsal) command.addOption(option.helpGroup('Rehearsal:'));
}

function wholeSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds.');
  return Number(text);
}

function collectSetting(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
}
