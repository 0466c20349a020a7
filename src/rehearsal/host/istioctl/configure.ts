import { posix } from 'node:path';
import { parse } from 'yaml';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import { issueToken } from '../../cluster/tokens.ts';
import { consumeFault } from '../../fault-state.ts';
import type { HostCall, KubeObject, ProgramResult } from '../../world.ts';
import { flag, parseArgs, type Parsed } from '../kubectl/args.ts';
import { istioError, minorOf, refused } from './call.ts';
import { CLUSTER_FLAGS, configMapRequest, dial, namespaceOf } from './dial.ts';
import { clusterName, defaultRevision, ingressAddress, readGroup } from './lookups.ts';
import { clusterEnv, meshYaml, type WorkloadGroup, type WorkloadInput } from './workload-files.ts';

/** Every file gets this mode, the token too (docs/facts/istio-vm.md 4.2). */
const MODE = 0o744;
/** How much older a token is under the fault `token-expired`. */
const SLEEP_SECONDS = 2 * 3_600;

const FLAGS = {
  ...CLUSTER_FLAGS,
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
  const map = configMapOf(flag(parsed, '--revision') ?? '');
  const connection = await dial(call, parsed, configMapRequest(namespaceOf(parsed), map));
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
    CRASH_POINT: if (call.world.crashPoints !== undefined) {
      // Written in place, so a reader may see half of the file, and a crash may leave half of it.
      await call.files.write(posix.join(output, name), content.slice(0, content.length / 2), MODE);
      await call.world.crashPoints.at(`istioctl configure: half of ${name}`);
    }
    await call.files.write(posix.join(output, name), content, MODE);
  };
  const revision = flag(parsed, '--revision') ?? (minorOf(version) >= 28 ? defaultRevision(cluster) : '');
  const mapName = configMapOf(revision);
  const istioNamespace = namespaceOf(parsed);
  const map = store.get('configmaps', istioNamespace, mapName);
  if (map === undefined) {
    return istioError(
      `configmap ${mapName} was not found in namespace ${istioNamespace}: configmaps "${mapName}" not found`,
    );
  }
  const clusterId = flag(parsed, '--clusterID') ?? clusterName(cluster, revision, istioNamespace);
  if (clusterId === undefined) return istioError('failed to automatically determine the --clusterID');
  const mesh = parse(map.data?.['mesh'] ?? '') as { defaultConfig?: Record<string, unknown> };
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
    return istioError(
      `configmap istio-ca-root-cert was not found in namespace ${group.namespace}: configmaps "istio-ca-root-cert" not found`,
    );
  }
  await put('root-cert.pem', root.data?.['root-cert.pem'] ?? '');
  const account = store.get('serviceaccounts', group.namespace, group.serviceAccount);
  if (account === undefined) {
    return istioError(
      `could not create a token under service account ${group.serviceAccount} in namespace ${group.namespace}: serviceaccounts "${group.serviceAccount}" not found`,
    );
  }
  await put('istio-token', token(call, cluster, group, account, Number(flag(parsed, '--tokenDuration') ?? 3600)));
  const ip = ingressAddress(cluster, istioNamespace, flag(parsed, '--ingressIP'));
  const host = revision === '' || revision === 'default' ? 'istiod' : `istiod-${revision}`;
  await put('hosts', ip === undefined ? '' : `${ip} ${host}.${istioNamespace}.svc\n`);
  // The logger of istioctl writes to stdout, the command's own warning goes to stderr (docs/facts/real-mesh.md 6.5).
  const logged =
    ip === undefined
      ? `${new Date(call.world.clock.now()).toISOString()}\twarn\tCould not auto-detect IP for ${host}.${istioNamespace}.svc/${istioNamespace}. ` +
        'Use --ingressIP to manually specify the Gateway address to reach istiod from the VM.\n'
      : '';
  return {
    exitCode: 0,
    stdout: `${logged}Configuration generation into directory ${output} was successful\n`,
    stderr:
      `Warning: a security token for namespace "${group.namespace}" and service account "${group.serviceAccount}" ` +
      `has been generated and stored at "${posix.join(output, 'istio-token')}"\n`,
  };
}

const configMapOf = (revision: string): string =>
  revision === '' || revision === 'default' ? 'istio' : `istio-${revision}`;

function token(
  call: HostCall,
  cluster: SimulatedCluster,
  group: WorkloadGroup,
  account: KubeObject,
  seconds: number,
): string {
  // Only the token is that old; with the fault `computer-slept` (guest/scripts/starts.ts) the time itself passes.
  const slept = consumeFault(call.world, 'token-expired') ? SLEEP_SECONDS : 0;
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
