import type { ParsedArgs } from '../../../src/rehearsal/host/multipass/parser.ts';
import { daemonUp, instances, type Instance } from './incus.ts';
import { badUsage, failedFor } from './refusal.ts';

/** The version that we play. */
const VERSION = '1.16.3';

function print(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 4)}\n`);
  return 0;
}

function askJson({ options }: ParsedArgs): void {
  if (options.get('format') !== 'json') throw badUsage('This stand-in speaks JSON alone.');
}

export async function version(args: ParsedArgs): Promise<number> {
  askJson(args);
  return print((await daemonUp()) ? { multipass: VERSION, multipassd: VERSION } : { multipass: VERSION });
}

export async function list(args: ParsedArgs): Promise<number> {
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
  const found = args.positionals.map((name) => all.find((each) => each.name === name) ?? name);
  const absent = found.filter((each) => typeof each === 'string');
  if (absent.length > 0)
    throw failedFor(
      'info',
      absent.map((name) => `instance "${name}" does not exist`),
    );
  const there = found.filter((each) => typeof each !== 'string');
  return print({ errors: [], info: Object.fromEntries(there.map((instance) => [instance.name, about(instance)])) });
}

function about(instance: Instance): object {
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

/** A running machine without an address has a placeholder (facts/multipass.md 2.6). */
function addresses({ state, addresses: known }: Instance): readonly string[] {
  if (state !== 'Running') return [];
  return known.length === 0 ? ['N/A'] : known;
}
