import { INCUS_CALL } from './durations.ts';
import type { HostCall, HostProgram, ProgramResult } from '../../world.ts';
import { parseArgs, type CommandShape, type ParsedArgs } from '../arguments.ts';
import { daemonLost } from '../daemon.ts';
import { CUT, daemonAway, failure } from './answers.ts';
import { exec } from './exec.ts';
import { instancesIn, onRemote, projectOf } from './instances.ts';
import { launch } from './launch.ts';
import { config, remove, restart, start, stop } from './lifecycle.ts';
import { instanceView } from './list.ts';
import { query } from './query.ts';

interface CommandModel extends CommandShape {
  readonly run: (call: HostCall, parsed: ParsedArgs) => Promise<ProgramResult>;
  /** Set when the command works without the daemon or outlives it. */
  readonly isOutlasting?: true;
}

const GLOBAL = { quiet: 'switch', project: 'value' } as const;

const COMMANDS: Readonly<Record<string, CommandModel>> = {
  list: { options: { format: 'value' }, short: { f: 'format' }, run: list },
  query: { options: {}, run: query },
  launch: { options: { vm: 'switch', target: 'value' }, run: launch },
  start: { options: {}, run: start },
  stop: { options: { force: 'switch' }, short: { f: 'force' }, run: stop },
  restart: { options: { force: 'switch' }, short: { f: 'force' }, run: restart },
  delete: { options: { force: 'switch' }, short: { f: 'force' }, run: remove },
  config: { options: {}, run: config },
  // Aliases belong to the client, so no server is contacted.
  alias: { options: { format: 'value' }, short: { f: 'format' }, run: aliases, isOutlasting: true },
  // A daemon that stops waits for open sessions (docs/facts/incus.md 2.3).
  exec: { options: { mode: 'value' }, run: exec, isOutlasting: true },
};

/** The simulated Incus 6.0.4: only the commands that istio-vms uses, as described in docs/facts/incus.md. */
export const incus: HostProgram = async (call) => {
  const [name = '', ...args] = call.args;
  const command = COMMANDS[name];
  if (command === undefined) return failure(`unknown command "${name}" for "incus"`, `incus ${name}`);
  const { options, short = {} } = command;
  const parsed = parseArgs(args, { options: { ...GLOBAL, ...options }, short: { q: 'quiet', ...short } });
  if ('unknown' in parsed) return failure(`unknown flag: --${parsed.unknown}`, `incus ${name} --${parsed.unknown}`);
  if (name !== 'exec' && parsed.rest !== undefined) return failure('Invalid number of arguments', `incus ${name} --`);
  if (command.isOutlasting) return command.run(call, parsed);
  return Promise.race([command.run(call, parsed), daemonLost(call.world).then(() => CUT)]);
};

/**
 * `incus list [REMOTE:] --format json`. An unknown project gives an empty list and no error (docs/facts/incus.md 0.10).
 */
async function list({ world }: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const [target = '', ...more] = parsed.positionals;
  const place = onRemote(world, target);
  if ('exitCode' in place) return place;
  if (place.name !== '' || more.length > 0) return failure('filters are not simulated', `incus list ${target}`);
  await world.clock.sleep(INCUS_CALL);
  const found = instancesIn(world, projectOf(parsed));
  return (
    daemonAway(world) ??
    json(
      parsed,
      found.map((instance) => instanceView(world, instance)),
    )
  );
}

/** `incus alias list --format json`: this user has none. */
async function aliases({ world }: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  if (parsed.positionals.join(' ') !== 'list') {
    const words = parsed.positionals.join(' ');
    return failure(`unknown command "${words}" for "incus alias"`, `incus alias ${words}`);
  }
  await world.clock.sleep(INCUS_CALL);
  return json(parsed, {});
}

/** Other formats exist, but only JSON is read by programs (docs/facts/incus.md 4.1). */
function json({ options }: ParsedArgs, value: object): ProgramResult {
  const format = options.get('format') ?? 'table';
  if (format === 'json') return { exitCode: 0, stdout: `${JSON.stringify(value)}\n` };
  return failure(`Invalid value "${format}" for flag "--format"`, `incus --format ${format}`);
}
