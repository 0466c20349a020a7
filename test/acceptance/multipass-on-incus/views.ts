import type { ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { qtJson, type Json } from '../../../src/rehearsal/engines/multipass/views.ts';
import { daemonUp, instances, type Instance } from './incus.ts';
import { badUsage, failed, failedFor } from './refusal.ts';

/** The version of Multipass that this stand-in imitates. */
const VERSION = '1.16.3';

function print(value: Json): number {
  process.stdout.write(qtJson(value));
  return 0;
}

function askJson({ options }: ParsedArgs): void {
  const format = options.get('format') ?? 'table';
  if (!['table', 'json', 'csv', 'yaml'].includes(format)) throw badUsage('Invalid format type given.');
  if (format !== 'json') throw badUsage('This stand-in supports only JSON: --format json');
}

export async function version(args: ParsedArgs): Promise<number> {
  askJson(args);
  return print((await daemonUp()) ? { multipass: VERSION, multipassd: VERSION } : { multipass: VERSION });
}

export async function list(args: ParsedArgs): Promise<number> {
  if (args.positionals.length > 0) throw badUsage('This command takes no arguments');
  askJson(args);
  const shown = (await instances('list')).map((instance) => ({
    ipv4: addresses(instance),
    name: instance.name,
    release: 'Ubuntu 22.04 LTS',
    state: instance.state,
  }));
  return print({ list: shown });
}

export async function info(args: ParsedArgs): Promise<number> {
  askJson(args);
  const all = await instances('info');
  const names = args.positionals.length > 0 ? args.positionals : all.map(({ name }) => name);
  const found = names.map((name) => all.find((each) => each.name === name) ?? name);
  const absent = found.filter((each) => typeof each === 'string');
  if (absent.length > 0)
    throw failedFor(
      'info',
      absent.map((name) => `instance "${name}" does not exist`),
    );
  const existing = found.filter((each) => typeof each !== 'string');
  return print({ errors: [], info: Object.fromEntries(existing.map((instance) => [instance.name, about(instance)])) });
}

/** Lists only the bridge that every machine uses. */
export async function networks(args: ParsedArgs): Promise<number> {
  askJson(args);
  await instances('networks');
  return print({ list: [{ description: 'Network bridge', name: 'mpqemubr0', type: 'bridge' }] });
}

export async function find(args: ParsedArgs): Promise<number> {
  askJson(args);
  await instances('find');
  const [wanted] = args.positionals;
  const image = { aliases: ['jammy'], os: 'Ubuntu', release: '22.04 LTS', remote: '', version: '20260101' };
  const known = wanted === undefined || ['22.04', 'jammy'].includes(wanted);
  return print({ errors: [], images: known ? { '22.04': image } : {} });
}

/** `get local.NAME.cpus` and `get local.NAME.memory`: the values requested at launch, also for a stopped machine. */
export async function get({ positionals: [key = ''] }: ParsedArgs): Promise<number> {
  const [, name, property = ''] = /^local\.([^.]+)\.(cpus|memory)$/.exec(key) ?? [];
  if (name === undefined) throw badUsage(`Unrecognized settings key: '${key}'`);
  const found = (await instances('get')).find((each) => each.name === name);
  if (found === undefined) {
    throw failed('get', '', `Cannot obtain instance settings; instance: ${name}; reason: No such instance`);
  }
  const gibibytes = Number.parseInt(found.memory, 10) / 2 ** 30;
  process.stdout.write(`${property === 'cpus' ? found.cpus : `${gibibytes.toFixed(1)}GiB`}\n`);
  return 0;
}

function about(instance: Instance): Json {
  const running = instance.state === 'Running';
  return {
    cpu_count: running ? instance.cpus : '',
    disks: { sda1: running ? { total: '5120000000', used: '1932735283' } : {} },
    image_hash: '',
    image_release: '22.04 LTS',
    ipv4: addresses(instance),
    load: running ? [0.1, 0.1, 0.1] : [],
    memory: running ? { total: Number.parseInt(instance.memory, 10), used: 200_000_000 } : {},
    mounts: {},
    release: running ? 'Ubuntu 22.04.3 LTS' : '',
    snapshot_count: '0',
    state: instance.state,
  };
}

/** A running machine without an address is listed with `N/A` (docs/facts/multipass.md 2.6). */
function addresses({ state, addresses: known }: Instance): readonly string[] {
  if (state !== 'Running') return [];
  return known.length === 0 ? ['N/A'] : known;
}
