import { fromServer } from '../../cluster/api-error.ts';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import { isReady, type Deployment, type NodeObject } from '../../cluster/shapes.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import { flag } from './args.ts';
import type { Verb } from './verb.ts';

/** How soon a watch tells of a change. */
const WATCH_MS = 100;

/** `kubectl wait node/NAME --for=condition=Ready --timeout=Ns`: what is not there fails at once. */
export const wait: Verb = {
  flags: { '--for': 'value', '--timeout': 'value' },
  run: async ({ call, cluster, parsed }) => {
    const [, name] = /^node\/(.+)$/.exec(parsed.words[0] ?? '') ?? [];
    const seconds = secondsOf(flag(parsed, '--timeout'));
    if (name === undefined || seconds === undefined || flag(parsed, '--for') !== 'condition=Ready') {
      const what = parsed.words.join(' ');
      return { exitCode: 1, stderr: `error: not understood here: wait ${what}\n`, refused: `kubectl wait ${what}` };
    }
    const node = (): NodeObject => {
      const found = cluster.store.get('nodes', undefined, name);
      if (found === undefined) throw fromServer('NotFound', `nodes "${name}" not found`);
      return found as NodeObject;
    };
    const over = await watch(call, cluster, seconds, () => isReady(node()));
    if (over !== undefined) return over;
    return { exitCode: 0, stdout: `node/${name} condition met\n` };
  },
};

/** `kubectl rollout status deployment/NAME --timeout=Ns`. */
export const rolloutStatus: Verb['run'] = async ({ call, cluster, parsed }) => {
  const [, name] = /^deployment\/(.+)$/.exec(parsed.words[1] ?? '') ?? [];
  const seconds = secondsOf(flag(parsed, '--timeout'));
  if (name === undefined || seconds === undefined || parsed.words.length > 2) {
    const what = parsed.words.join(' ');
    return { exitCode: 1, stderr: `error: not understood here: rollout ${what}\n`, refused: `kubectl rollout ${what}` };
  }
  const namespace = flag(parsed, '--namespace') ?? 'default';
  const deployment = (): Deployment => {
    const found = cluster.store.get('deployments.apps', namespace, name);
    if (found === undefined) throw fromServer('NotFound', `deployments.apps "${name}" not found`);
    return found as Deployment;
  };
  const over = await watch(call, cluster, seconds, () => isRolledOut(deployment()));
  if (over !== undefined) {
    const { spec, status } = deployment();
    const [available, wanted] = [status?.availableReplicas ?? 0, spec.replicas ?? 1];
    const counts = `${available} of ${wanted} updated replicas are available...`;
    return { ...over, stdout: `Waiting for deployment "${name}" rollout to finish: ${counts}\n` };
  }
  return { exitCode: 0, stdout: `deployment "${name}" successfully rolled out\n` };
};

/** As kubectl sees it: its change was seen, all pods are new, none is missing. */
function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const { generation = 1 } = metadata as { generation?: number };
  const wanted = spec.replicas ?? 1;
  return (
    status !== undefined &&
    status.observedGeneration >= generation &&
    status.updatedReplicas >= wanted &&
    status.replicas <= status.updatedReplicas &&
    status.availableReplicas >= status.updatedReplicas
  );
}

/** Undefined once it is so; what the program ends with when it is not so in time, or the API server goes away. */
async function watch(
  { world, signal }: HostCall,
  cluster: SimulatedCluster,
  seconds: number,
  isSo: () => boolean,
): Promise<ProgramResult | undefined> {
  for (const until = world.clock.now() + seconds * 1_000; !isSo();) {
    if (world.clock.now() >= until) return { exitCode: 1, stderr: 'error: timed out waiting for the condition\n' };
    await world.clock.sleep(WATCH_MS, signal);
    if (!cluster.ready())
      return { exitCode: 1, stderr: 'error: an error on the server ("unable to decode an event")\n' };
  }
  return undefined;
}

const secondsOf = (timeout: string | undefined): number | undefined => {
  const text = /^(\d+)s$/.exec(timeout ?? '')?.[1];
  return text === undefined ? undefined : Number(text);
};
