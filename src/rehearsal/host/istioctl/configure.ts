import { posix } from 'node:path';
import { parse } from 'yaml';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import { issueToken } from '../../cluster/tokens.ts';
import { ISTIOCTL_CALL } from '../../durations.ts';
import { strike } from '../../strike.ts';
import { passing } from '../../half-way.ts';
import type { HostCall, KubeObject, ProgramResult } from '../../world.ts';
import { flag, parseArgs, type Parsed } from '../kubectl/args.ts';
import { connect } from '../kubectl/connect.ts';
import { istioError, minorOf, refused } from './call.ts';
import { clusterName, defaultRevision, ingressAddress, readGroup } from './lookups.ts';
import { clusterEnv, meshYaml, type WorkloadGroup, type WorkloadInput } from './workload-files.ts';

/** Every file gets this mode, the token too (facts/istio-vm.md 4.2). */
const MODE = 0o744;
/** How much older a token is under the fault `token-expired`. */
const SLEEP_SECONDS = 2 * 3_600;

const FLAGS = {
  '--kubeconfig': 'value',
  '--context': 'value',
  '--file': 'value',
  '--output': 'value',
  '--clusterID': 'value',
  '--ingressIP': 'value',
  '--internalIP': 'value',
  '--autoregister': 'switch',
  '--revision': 'value',
  '--tokenDuration': 'value',
} as const;

/** `istioctl experimental workload entry configure`: five files, in the order in which they are written. */
export async function configure(call: HostCall, version: string, args: readonly string[]): Promise<ProgramResult> {
  const parsed = parseArgs(args, FLAGS);
  if ('unknown' in parsed) return refused(`experimental workload entry configure ${parsed.unknown}`);
  if (parsed.words[0] !== undefined) return refused(`experimental workload entry configure ${parsed.words[0]}`);
  const path = flag(parsed, '--file');
  const output = flag(parsed, '--output');
  if (path === undefined)
    return istioError('expecting a WorkloadGroup artifact file or the name and namespace of an existing WorkloadGroup');
  if (output === undefined) return istioError('expecting an output directory');
  const text = await call.files.readText(path);
  if (text === undefined) return istioError(`open ${path}: no such file or directory`);
  const connection = await connect(
    call,
    flag(parsed, '--kubeconfig') ?? '',
    flag(parsed, '--context') ?? '',
    ISTIOCTL_CALL,
  );
  if ('failure' in connection) return connection.failure;
  return write(call, connection.cluster, version, parsed, readGroup(text), output);
}

async function write(
  call: HostCall,
  cluster: SimulatedCluster,
  version: string,
  parsed: Parsed,
  group: WorkloadGroup,
  output: string,
): Promise<ProgramResult> {
  const { store } = cluster;
  const put = async (name: string, content: string): Promise<void> => {
    if (call.world.passing !== undefined) {
      // Written in place, so a reader, or a crash, may meet half of it.
      await call.files.write(posix.join(output, name), content.slice(0, content.length / 2), MODE);
      await passing(call.world, `istioctl configure: half of ${name}`);
    }
    await call.files.write(posix.join(output, name), content, MODE);
  };
  const revision = flag(parsed, '--revision') ?? (minorOf(version) >= 28 ? defaultRevision(cluster) : '');
  const mapName = revision === '' || revision === 'default' ? 'istio' : `istio-${revision}`;
  const map = store.list('configmaps').find(({ metadata }) => metadata.name === mapName);
  if (map === undefined) {
    return istioError(`configmap ${mapName} was not found in namespace istio-system`);
  }
  const istioNamespace = map.metadata.namespace ?? 'istio-system';
  const clusterId = flag(parsed, '--clusterID') ?? clusterName(cluster, revision, istioNamespace);
  if (clusterId === undefined) return istioError('failed to automatically determine the --clusterID');
  const mesh = parse((map['data'] as { mesh: string }).mesh) as { defaultConfig?: Record<string, unknown> };
  const input: WorkloadInput = {
    group,
    clusterId,
    revision,
    istioNamespace,
    internalIp: flag(parsed, '--internalIP'),
    autoregister: parsed.flags.has('--autoregister'),
    meshDefaults: mesh.defaultConfig ?? {},
  };
  await put('mesh.yaml', meshYaml(input));
  await put('cluster.env', clusterEnv(input));
  const root = store.get('configmaps', group.namespace, 'istio-ca-root-cert');
  if (root === undefined) {
    return istioError(`configmap istio-ca-root-cert was not found in namespace ${group.namespace}`);
  }
  await put('root-cert.pem', (root['data'] as Record<string, string>)['root-cert.pem'] ?? '');
  const account = store.get('serviceaccounts', group.namespace, group.serviceAccount);
  if (account === undefined) {
    return istioError(
      `could not create a token under service account ${group.serviceAccount} in namespace ${group.namespace}: serviceaccounts "${group.serviceAccount}" not found`,
    );
  }
  await put('istio-token', token(call, cluster, group, account, Number(flag(parsed, '--tokenDuration') ?? 3600)));
  const ip = ingressAddress(cluster, flag(parsed, '--ingressIP'));
  const host = revision === '' || revision === 'default' ? 'istiod' : `istiod-${revision}`;
  await put('hosts', ip === undefined ? '' : `${ip} ${host}.${istioNamespace}.svc\n`);
  const warning = ip === undefined ? `Warning: Could not auto-detect IP for ${host}.${istioNamespace}.svc\n` : '';
  return { exitCode: 0, stdout: `Configuration generation into directory ${output} was successful\n`, stderr: warning };
}

function token(
  call: HostCall,
  cluster: SimulatedCluster,
  group: WorkloadGroup,
  account: KubeObject,
  seconds: number,
): string {
  // Only the token is that old; the fault `computer-slept` (guest/scripts/starts.ts) lets the time itself pass.
  const slept = strike(call.world, 'token-expired') ? SLEEP_SECONDS : 0;
  const issued = Math.floor(call.world.clock.now() / 1000) - slept;
  const { namespace, serviceAccount } = group;
  const claims = {
    audience: 'istio-ca',
    namespace,
    serviceAccount,
    uid: account.metadata.uid ?? '',
    expires: issued + seconds,
  };
  return issueToken(cluster, claims, issued);
}
