import { listenOn } from '../../src/rehearsal/guest/listeners.ts';
import type { SimulatedCluster } from '../../src/rehearsal/cluster/index.ts';
import { HOST_PROGRAMS } from '../../src/rehearsal/index.ts';
import type { HostCall, HostProgram, ProgramResult } from '../../src/rehearsal/world.ts';
import { withLongFlags } from './user-curl.ts';
import { userKubectl } from './user-kubectl.ts';

/**
 * The simulated programs, which also support the commands in the documents. Other commands are refused, so that a test
 * fails for a command in a document that does not work.
 */
export const USER_PROGRAMS: Readonly<Record<string, HostProgram>> = {
  ...HOST_PROGRAMS,
  kubectl: userKubectl,
  multipass: userMultipass,
  istioctl: userIstioctl,
};

const program = (name: 'multipass' | 'istioctl'): HostProgram => HOST_PROGRAMS[name] as HostProgram;

async function userMultipass(call: HostCall): Promise<ProgramResult> {
  const [verb, ...args] = call.args;
  if (verb === 'list' && args.length === 0) return list(call);
  if (verb !== 'exec' || args[1] !== '--') return program('multipass')(call);
  const [name = '', , ...inner] = args;
  if (inner[0] === 'dig') return dig(call, name, inner.slice(1));
  if (inner[1] === 'systemd-run') return systemdRun(call, name, inner.slice(2));
  return program('multipass')({ ...call, args: ['exec', name, '--', ...withLongFlags(inner)] });
}

/** `systemd-run --unit NAME python3 -m http.server PORT ...`: a user program that listens on a port. */
function systemdRun({ world }: HostCall, machine: string, args: readonly string[]): ProgramResult {
  const instance = world.engine.instances.get(machine);
  const [, unit = '', port] = /^--unit (\S+) python3 -m http\.server (\d+)/.exec(args.join(' ')) ?? [];
  if (instance === undefined || port === undefined) {
    return { exitCode: 1, stderr: '', refused: `systemd-run ${args.join(' ')}` };
  }
  listenOn(instance, Number(port), { program: 'python3', pid: 4_711, unit });
  return { exitCode: 0, stderr: `Running as unit: ${unit}.service\n` };
}

async function list(call: HostCall): Promise<ProgramResult> {
  const result = await program('multipass')({ ...call, args: ['list', '--format', 'json'] });
  if (result.exitCode !== 0) return result;
  const { list: machines } = JSON.parse(result.stdout as string) as {
    list: { name: string; state: string; ipv4: string[]; release: string }[];
  };
  const rows = machines
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .flatMap(({ name, state, ipv4, release }) => [
      [name, state, ipv4[0] ?? '--', release],
      ...ipv4.slice(1).map((address) => ['', '', address, '']),
    ]);
  const lines = [['Name', 'State', 'IPv4', 'Image'], ...rows];
  const longest = Math.max(...machines.map(({ name }) => name.length));
  const widths = [Math.max(24, longest + 2), 18, 17, 0];
  const text = lines.map((cells) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('')
      .trimEnd(),
  );
  return { exitCode: 0, stdout: `${text.join('\n')}\n` };
}

/** `dig +short NAME` on a machine, with the resolver of that machine. */
function dig({ world, mesh }: HostCall, machine: string, args: readonly string[]): ProgramResult {
  const instance = world.engine.instances.get(machine);
  const [flag, name, ...more] = args;
  if (instance === undefined || flag !== '+short' || name === undefined || more.length > 0) {
    return { exitCode: 1, stderr: '', refused: `dig ${args.join(' ')}` };
  }
  const answer = mesh.resolve(instance, name);
  return { exitCode: 0, stdout: 'addresses' in answer ? answer.addresses.map((line) => `${line}\n`).join('') : '' };
}

/** Prints `istioctl tag list` from the webhooks that have tags; other commands are passed on unchanged. */
async function userIstioctl(call: HostCall): Promise<ProgramResult> {
  if (call.args.join(' ') !== 'tag list') return program('istioctl')(call);
  const cluster = call.world.cluster as SimulatedCluster | undefined;
  const hooks = cluster?.store.list('mutatingwebhookconfigurations.admissionregistration.k8s.io') ?? [];
  const rows = hooks.flatMap(({ metadata: { labels } }) => {
    const [tag, revision] = [labels?.['istio.io/tag'], labels?.['istio.io/rev']];
    return tag === undefined || revision === undefined ? [] : [`${tag} ${revision}\n`];
  });
  return { exitCode: 0, stdout: `TAG     REVISION NAMESPACES\n${rows.join('')}` };
}
