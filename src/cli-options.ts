import { InvalidArgumentError, Option, type Command } from 'commander';
import { repeatable } from './cli-spec.ts';
import { LOCK_TIMEOUT_S, REHEARSAL_STARTS } from './invocation.ts';

/** For commands that change something. */
export function lockTimeout(): Option {
  return new Option(
    '--lock-timeout <s>',
    `seconds to wait for another run with the same DATA_DIR; 0: not at all (otherwise ${LOCK_TIMEOUT_S})`,
  ).argParser(wholeSeconds);
}

/** What every command takes; `more` stands among it. */
export function addCommonOptions(command: Command, more: readonly Option[]): void {
  const common: readonly Option[] = [
    new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'),
    new Option('-c, --config <file>', 'configuration file; otherwise run.env here, if there is one'),
    new Option('-s, --set <NAME=VALUE>', 'set a variable, over environment and file; repeatable')
      .default({})
      .argParser(collectSetting),
    new Option('-q, --quiet', 'no story, only the answer and errors').default(false),
    new Option('-v, --verbose', 'plain lines, every one of them; the log keeps whole outputs').default(false),
    ...more,
    new Option('-h, --help', 'print this help'),
  ];
  const rehearsal: readonly Option[] = [
    new Option('--rehearse', 'in a simulated world: nothing real is touched').default(false),
    new Option('--from <start>', `where it begins: ${REHEARSAL_STARTS.join(', ')}`).choices(REHEARSAL_STARTS),
    repeatable('--fault <name>', 'let this go wrong; repeatable; an unknown name lists all'),
  ];
  for (const option of common.slice(0, -1)) command.addOption(option.helpGroup('Always:'));
  command.addHelpOption((common.at(-1) as Option).helpGroup('Always:'));
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
