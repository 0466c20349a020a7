import { ENGINE_ASKS_GUEST, ENGINE_CALL } from '../../durations.ts';
import type { HostCall, HostProgram, ProgramResult } from '../../world.ts';
import { daemonLost, isDaemonAway } from '../daemon.ts';
import { exec } from './exec.ts';
import { launch } from './launch.ts';
import { purge, recover, remove, restart, start, stop } from './lifecycle.ts';
import { failure, failures, parseArgs, usage, type CommandShape, type ParsedArgs } from './parser.ts';
import { infoView, listView, versionView } from './views.ts';

interface CommandModel extends CommandShape {
  readonly run: (call: HostCall, parsed: ParsedArgs) => Promise<ProgramResult>;
}

const JSON_ONLY = { options: { format: 'value' } } as const;

const COMMANDS: Readonly<Record<string, CommandModel>> = {
  version: {
    ...JSON_ONLY,
    run: async ({ world }, parsed) => {
      await world.clock.sleep(ENGINE_CALL);
      return json(parsed) ?? { exitCode: 0, stdout: versionView(world) };
    },
  },
  list: {
    ...JSON_ONLY,
    run: async ({ world }, parsed) => {
      if (parsed.positionals.length > 0) return usage('This command takes no arguments');
      await world.clock.sleep(ENGINE_ASKS_GUEST);
      if (isDaemonAway(world)) return failure('list', 'cannot connect to the multipass socket');
      return json(parsed) ?? { exitCode: 0, stdout: listView(world) };
    },
  },
  info: {
    ...JSON_ONLY,
    run: async ({ world }, parsed) => {
      await world.clock.sleep(ENGINE_ASKS_GUEST);
      const { instances } = world.engine;
      if (isDaemonAway(world)) return failure('info', 'cannot connect to the multipass socket');
      const names = parsed.positionals.length === 0 ? [...instances.keys()] : parsed.positionals;
      const missing = names.filter((name) => !instances.has(name));
      if (missing.length > 0)
        return failures(
          'info',
          missing.map((name) => `instance "${name}" does not exist`),
        );
      const found = names.flatMap((name) => instances.get(name) ?? []);
      return json(parsed) ?? { exitCode: 0, stdout: infoView(world, found) };
    },
  },
  launch: {
    options: { name: 'value', cpus: 'value', memory: 'value', disk: 'value', timeout: 'value', 'cloud-init': 'value' },
    short: { n: 'name', c: 'cpus', m: 'memory', d: 'disk' },
    run: launch,
  },
  delete: { options: { purge: 'switch' }, short: { p: 'purge' }, run: remove },
  purge: { options: {}, run: purge },
  recover: { options: {}, run: recover },
  start: { options: { timeout: 'value' }, run: start },
  stop: { options: {}, run: stop },
  restart: { options: { timeout: 'value' }, run: restart },
  exec: {
    options: { 'working-directory': 'value', 'no-map-working-directory': 'switch' },
    short: { d: 'working-directory', n: 'no-map-working-directory' },
    run: exec,
  },
};

/** The simulated Multipass 1.16.3: only the commands that istio-vms uses, as described in docs/facts/multipass.md. */
export const multipass: HostProgram = async (call) => {
  const [name, ...args] = call.args;
  if (name === undefined)
    return { exitCode: 2, stdout: 'Usage: multipass [options] <command>\n', refused: 'multipass' };
  const command = COMMANDS[name];
  if (command === undefined) {
    const text = `Error: Unknown command or alias '${name}' (try "multipass help" or "multipass aliases")\n`;
    return { exitCode: 1, stdout: text, refused: `multipass ${name}` };
  }
  const parsed = parseArgs(args, command);
  if ('unknown' in parsed) {
    const hint =
      name === 'exec'
        ? '\nOptions to the inner command should come after "--", like this:\nmultipass exec <instance> -- <command> <arguments>'
        : '';
    return usage(`Unknown option '${parsed.unknown}'.${hint}`, `multipass ${name} --${parsed.unknown}`);
  }
  // Only a session into a guest outlives the daemon that opened it.
  if (name === 'exec') return command.run(call, parsed);
  return Promise.race([
    command.run(call, parsed),
    daemonLost(call.world).then(() => failure(name, 'cannot connect to the multipass socket')),
  ]);
};

/** Other formats exist, but only JSON is read by programs (docs/facts/multipass.md 0.2). */
function json({ options }: ParsedArgs): ProgramResult | undefined {
  const format = options.get('format') ?? 'table';
  if (format === 'json') return undefined;
  return usage('Invalid format type given.', `--format ${format}`);
}
