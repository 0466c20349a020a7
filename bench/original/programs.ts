import { posix } from 'node:path';
import { HOST_PROGRAMS } from '../../src/rehearsal/index.ts';
import { releaseServers } from '../../src/rehearsal/artifacts.ts';
import {
  ENGINE_CALL,
  EXEC_SESSION,
  LINE_BYTES_PER_SECOND,
  LINE_LATENCY,
  SESSION_BYTES_PER_SECOND,
} from '../../src/rehearsal/durations.ts';
import { writeGuest } from '../../src/rehearsal/guest/files.ts';
import { sizeOf } from '../../src/rehearsal/stand-in.ts';
import type { HostCall, HostProgram, ProgramResult } from '../../src/rehearsal/world.ts';
import { originalOnGuest } from './guest.ts';

/** The simulated programs, which also support the command lines of the original. Other commands are refused. */
export function originalPrograms(kubeconfig: string): Readonly<Record<string, HostProgram>> {
  const at = ['--kubeconfig', kubeconfig, '--context', 'default'];
  return { ...HOST_PROGRAMS, multipass, wget, kubectl: kubectlAt(at), istioctl: istioctlAt(at) };
}

const program = (name: 'multipass' | 'kubectl' | 'istioctl'): HostProgram => HOST_PROGRAMS[name] as HostProgram;
const refuse = (what: string): ProgramResult => ({ exitCode: 1, stderr: `${what}\n`, refused: what });

const multipass: HostProgram = async (call) => {
  const [verb, ...args] = call.args;
  if (verb === 'exec') {
    const [name = '', ...rest] = args;
    const instance = call.world.engine.instances.get(name);
    const inner = rest[0] === '--' ? rest.slice(1) : rest;
    const known = instance === undefined ? undefined : originalOnGuest({ ...call, instance }, inner);
    return known === undefined ? program('multipass')(call) : known();
  }
  if (verb === 'transfer') return transfer(call, args);
  if (verb === 'info' && !call.args.includes('json')) return info(call, args);
  return program('multipass')(call);
};

/** The table and the YAML output, of which the original reads the first address. */
async function info(call: HostCall, args: readonly string[]): Promise<ProgramResult> {
  const [name = '', ...format] = args;
  if (format.length > 0 && format.join(' ') !== '--format yaml') return refuse(`multipass info ${format.join(' ')}`);
  const result = await program('multipass')({ ...call, args: ['info', name, '--format', 'json'] });
  if (result.exitCode !== 0) return result;
  const { info: found } = JSON.parse(result.stdout as string) as { info: Record<string, { ipv4: string[] }> };
  const [address = ''] = found[name]?.ipv4 ?? [];
  return {
    exitCode: 0,
    stdout: format.length > 0 ? `${name}:\n  - ipv4:\n      - ${address}\n` : `IPv4:           ${address}\n`,
  };
}

/** `transfer --parents FILE NAME:PATH`, which opens one session for each file. */
async function transfer({ world, files }: HostCall, args: readonly string[]): Promise<ProgramResult> {
  const [flag, source = '', target = ''] = args;
  const [name = '', path = ''] = target.split(':');
  const instance = world.engine.instances.get(name);
  const [content, stat] = [await files.read(source), await files.stat(source)];
  if (flag !== '--parents' || instance === undefined || content === undefined || stat === undefined)
    return refuse(`multipass transfer ${args.join(' ')}`);
  await world.clock.sleep(ENGINE_CALL + EXEC_SESSION + (sizeOf(content) / SESSION_BYTES_PER_SECOND) * 1000);
  writeGuest(instance, posix.resolve('/home/ubuntu', path), content, { mode: stat.mode, owner: 'ubuntu' });
  return { exitCode: 0 };
}

/** `wget -O FILE URL`: as fast as the downloads of istio-vms, but without a check of the digest. */
const wget: HostProgram = async ({ world, files, args }) => {
  const [flag, path = '', url = ''] = args;
  if (flag !== '-O') return refuse(`wget ${args.join(' ')}`);
  const served = await releaseServers(world.shipped)(new URL(url).pathname);
  await world.clock.sleep(LINE_LATENCY + ((served?.size ?? 4_000) / LINE_BYTES_PER_SECOND) * 1000);
  await files.write(path, served?.bytes ?? `# ${url}\n`);
  return { exitCode: 0 };
};

/** Translates the kubectl commands of the original to those that the simulated kubectl supports. */
const kubectlAt =
  (at: readonly string[]): HostProgram =>
  async (call) => {
    const { args, stdin } = call;
    const line = args.join(' ');
    const apply = (input: Uint8Array | string): Promise<ProgramResult> =>
      program('kubectl')({
        ...call,
        stdin: Buffer.from(input as Uint8Array),
        args: [
          ...at,
          '--request-timeout=20s',
          'apply',
          '--server-side',
          '--force-conflicts',
          '--field-manager=kubectl',
          '--filename=-',
        ],
      });
    const object = (value: object): Promise<ProgramResult> => apply(JSON.stringify(value));
    const namespace = /^create namespace (\S+)$/.exec(line)?.[1];
    if (namespace !== undefined) return object({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const account = /^create serviceaccount (\S+) -n (\S+)$/.exec(line);
    if (account !== null)
      return object({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: account[1], namespace: account[2] },
      });
    const label = /^label namespace (\S+) (\S+)=(\S+)$/.exec(line);
    if (label !== null)
      return object({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: label[1], labels: { [label[2] ?? '']: label[3] } },
      });
    // A simulated namespace is active at once, so one `get` stands for the wait.
    if (/^wait --for jsonpath=\{\.status\.phase\}=Active --timeout=5s namespace\/\S+$/.test(line)) {
      const name = line.slice(line.lastIndexOf('/') + 1);
      return program('kubectl')({
        ...call,
        args: [...at, '--request-timeout=20s', 'get', 'namespaces', name, '--ignore-not-found', '--output=json'],
      });
    }
    const file = /^apply -n \S+ -f (\S+)$/.exec(line)?.[1];
    if (file === undefined) return program('kubectl')(call);
    if (file === '-') return apply(stdin);
    if (file.startsWith('https://')) {
      await call.world.clock.sleep(LINE_LATENCY);
      // The script passes the content on standard input, since the simulated world has no such server.
      return apply(stdin);
    }
    return apply((await call.files.read(file)) ?? '');
  };

const istioctlAt =
  (at: readonly string[]): HostProgram =>
  async (call) => {
    const [first, second] = call.args;
    const run = (args: readonly string[]): Promise<ProgramResult> => program('istioctl')({ ...call, args });
    if (first === 'install' && second === '-y') {
      let file = call.args[call.args.indexOf('-f') + 1] ?? '';
      if (file === '-') await call.files.write((file = '/tmp/from-standard-input.yaml'), call.stdin);
      return run(['install', ...at, '--filename', file, '--skip-confirmation', '--readiness-timeout', '300s']);
    }
    const configure =
      /^x workload entry configure -f (\S+) -o (\S+) --clusterID (\S+) --revision (\S+) --autoregister$/.exec(
        call.args.join(' '),
      );
    if (configure === null) return run(call.args);
    const [, file = '', output = '', cluster = '', revision = ''] = configure;
    return run([
      'experimental',
      'workload',
      'entry',
      'configure',
      ...at,
      '--file',
      file,
      '--output',
      output,
      '--clusterID',
      cluster,
      '--autoregister',
      '--revision',
      revision,
    ]);
  };
