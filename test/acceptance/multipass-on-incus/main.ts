import { parseArgs, type CommandShape, type ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { exec } from './exec.ts';
import { launch } from './launch.ts';
import { purge, recover, remove, restart, start, stop } from './lifecycle.ts';
import { Refusal } from './refusal.ts';
import { transfer } from './transfer.ts';
import { find, get, info, list, networks, version } from './views.ts';

/** Implementation of a command (docs/facts/multipass.md 1); returns the exit code. */
type Verb = (args: ParsedArgs) => Promise<number>;

const NONE: CommandShape = { options: {} };
const TIMEOUT: CommandShape = { options: { timeout: 'value' } };
const VERBS: Readonly<Record<string, readonly [CommandShape, Verb]>> = {
  version: [{ options: { format: 'value' } }, version],
  list: [{ options: { format: 'value' } }, list],
  info: [{ options: { format: 'value' } }, info],
  networks: [{ options: { format: 'value' } }, networks],
  find: [{ options: { format: 'value' } }, find],
  get: [NONE, get],
  launch: [
    {
      options: {
        name: 'value',
        cpus: 'value',
        memory: 'value',
        disk: 'value',
        timeout: 'value',
        'cloud-init': 'value',
      },
      short: { n: 'name', c: 'cpus', m: 'memory', d: 'disk' },
    },
    launch,
  ],
  exec: [
    {
      options: { 'no-map-working-directory': 'switch', 'working-directory': 'value' },
      short: { n: 'no-map-working-directory', d: 'working-directory' },
    },
    exec,
  ],
  transfer: [
    { options: { parents: 'switch', recursive: 'switch' }, short: { p: 'parents', r: 'recursive' } },
    transfer,
  ],
  start: [TIMEOUT, start],
  stop: [NONE, stop],
  restart: [TIMEOUT, restart],
  delete: [{ options: { purge: 'switch' }, short: { p: 'purge' } }, remove],
  purge: [NONE, purge],
  recover: [NONE, recover],
};

async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) {
    process.stdout.write('Usage: multipass [options] <command>\n');
    return 2;
  }
  const verb = VERBS[name];
  if (verb === undefined) {
    process.stdout.write(`Error: Unknown command or alias '${name}' (try "multipass help" or "multipass aliases")\n`);
    return 1;
  }
  const [shape, work] = verb;
  const parsed = parseArgs(args, shape);
  if ('unknown' in parsed) {
    const hint = name === 'exec' ? ' Options to the inner command should come after "--".' : '';
    process.stderr.write(`Unknown option '${parsed.unknown}'.${hint}\n`);
    return 1;
  }
  try {
    return await work(parsed);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    if (thrown.stdout !== '') process.stdout.write(thrown.stdout);
    process.stderr.write(thrown.stderr);
    return thrown.exitCode;
  }
}

process.exitCode = await run(process.argv.slice(2));
