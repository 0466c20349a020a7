import { clusterIdIn, injectionValues } from '../../cluster/injection.ts';
import { podObjects, type SimulatedCluster } from '../../cluster/kube.ts';
import { isReady } from '../../cluster/shapes.ts';
import { HTTP_REQUEST } from '../../durations.ts';
import type { HostCall, ProgramResult } from '../../world.ts';

export interface InPod {
  readonly call: HostCall;
  readonly cluster: SimulatedCluster;
  readonly namespace: string;
  readonly deployment: string;
  readonly argv: readonly string[];
}

const refusal = (what: string): ProgramResult => ({
  exitCode: 126,
  stderr: `error: the rehearsal does not know this program in a pod: ${what}\n`,
  refused: `kubectl exec -- ${what}`,
});

/** Runs the programs that are used in pods: curl, and istiod's own client. */
export async function runInPod(inPod: InPod): Promise<ProgramResult> {
  const [program] = inPod.argv;
  if (program === 'curl') return curl(inPod);
  if (program === 'pilot-discovery') return pilotDiscovery(inPod);
  return refusal(inPod.argv.join(' '));
}

const SWITCHES = new Set(['--silent', '--show-error']);
const VALUES = new Set(['--max-time', '--output', '--write-out']);

async function curl({ call, namespace, deployment, argv }: InPod): Promise<ProgramResult> {
  const options = new Map<string, string>();
  const urls: string[] = [];
  for (let at = 1; at < argv.length; at++) {
    const arg = argv[at] as string;
    if (SWITCHES.has(arg)) continue;
    if (VALUES.has(arg)) options.set(arg, argv[++at] ?? '');
    else if (arg.startsWith('-')) return refusal(`curl ${arg}`);
    else urls.push(arg);
  }
  const [url] = urls;
  if (url === undefined || urls.length > 1) return refusal(argv.join(' '));
  await call.world.clock.sleep(HTTP_REQUEST, call.signal);
  const answer = call.mesh.requestFromPod(namespace, deployment, url);
  if (answer.exit === 28) await call.world.clock.sleep(Number(options.get('--max-time') ?? 120) * 1000, call.signal);
  const written = (options.get('--write-out') ?? '')
    .replaceAll('\\n', '\n')
    .replaceAll('%{http_code}', String(answer.status).padStart(3, '0'));
  const code = answer.exit === 0 ? '' : `command terminated with exit code ${answer.exit}\n`;
  return { exitCode: answer.exit, stdout: answer.body + written, stderr: answer.stderr + code };
}

/**
 * `/debug/syncz` of istiod: one line per connected proxy, synced when sent equals acked (docs/facts/istio-vm.md 6.5).
 */
async function pilotDiscovery({ cluster, deployment, argv }: InPod): Promise<ProgramResult> {
  if (argv.slice(1).join(' ') !== 'request GET /debug/syncz') return refusal(argv.join(' '));
  const revision = deployment.replace(/^istiod-?/, '') || 'default';
  const pods = podObjects(cluster.store)
    .filter((pod) => pod.metadata.annotations?.['istio.io/rev'] === revision && isReady(pod))
    .map((pod) => `${pod.metadata.name}.${pod.metadata.namespace ?? ''}`);
  const machines = [...cluster.proxies].filter(([, proxy]) => proxy.revision === revision).map(([name]) => name);
  const nonce = cluster.sign(revision).slice(0, 12);
  const synced: Record<string, string> = {};
  for (const kind of ['cluster', 'listener', 'route', 'endpoint']) {
    synced[`${kind}_sent`] = nonce;
    synced[`${kind}_acked`] = nonce;
  }
  const answer = [...pods, ...machines].map((proxy) => ({
    cluster_id: clusterIdIn(injectionValues(cluster.store, revision)),
    proxy,
    istio_version: versionOf(cluster, deployment),
    ...synced,
  }));
  return { exitCode: 0, stdout: `${JSON.stringify(answer)}\n` };
}

function versionOf(cluster: SimulatedCluster, deployment: string): string {
  const pod = podObjects(cluster.store).find(({ metadata }) => metadata.name.startsWith(`${deployment}-`));
  return pod?.spec.containers[0]?.image.split(':').at(-1) ?? '';
}
