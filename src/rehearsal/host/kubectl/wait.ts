import { fromServer } from '../../cluster/api-error.ts';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import { conditionsOf, type Deployment } from '../../cluster/shapes.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import { flag, type Parsed } from './args.ts';
import type { Verb } from './verb.ts';

/** Delay until a watch reports a change. */
const WATCH_MS = 100;

/** The target of the wait: a condition of one object, or of all in a namespace. */
interface Waited {
  readonly kind: string;
  readonly namespace: string | undefined;
  /** Absent: all of them. */
  readonly name?: string;
  readonly condition: string;
  readonly status: string;
}

/** How kubectl names an object of the kind on success. */
const SINGULAR: Readonly<Record<string, string>> = {
  nodes: 'node',
  'deployments.apps': 'deployment.apps',
  'workloadentries.networking.istio.io': 'workloadentry.networking.istio.io',
};

/**
 * `kubectl wait KIND/NAME --for=condition=TYPE[=STATUS] --timeout=Ns`, and `KIND --all`: a missing object fails at
 * once.
 */
export const wait: Verb = {
  flags: { '--for': 'value', '--timeout': 'value', '--namespace': 'value', '--all': 'switch' },
  run: async ({ call, cluster, parsed }) => {
    const waited = waitedFor(parsed);
    const seconds = secondsOf(flag(parsed, '--timeout'));
    if (waited === undefined || seconds === undefined) {
      const what = parsed.words.join(' ');
      return { exitCode: 1, stderr: `error: not understood here: wait ${what}\n`, refused: `kubectl wait ${what}` };
    }
    const { kind, namespace, condition, status } = waited;
    const names = waited.name === undefined ? namesIn(cluster, kind, namespace) : [waited.name];
    if (names.length === 0) return { exitCode: 1, stderr: 'error: no matching resources found\n' };
    const [plural] = kind.split('.');
    let stdout = '';
    for (const name of names) {
      const isSo = (): boolean => {
        const found = cluster.store.get(kind, namespace, name);
        if (found === undefined) throw fromServer('NotFound', `${kind} "${name}" not found`);
        return conditionsOf(found).find(({ type }) => type === condition)?.status === status;
      };
      const over = await watch(call, cluster, seconds, isSo, ` on ${plural}/${name}`);
      if (over !== undefined) return { ...over, stdout };
      stdout += `${SINGULAR[kind]}/${name} condition met\n`;
    }
    return { exitCode: 0, stdout };
  },
};

function waitedFor(parsed: Parsed): Waited | undefined {
  const [, condition, status = 'True'] = /^condition=(\w+)(?:=(\w+))?$/.exec(flag(parsed, '--for') ?? '') ?? [];
  if (condition === undefined) return undefined;
  const namespace = flag(parsed, '--namespace');
  const [, type, name] = /^([^/]+)(?:\/(.+))?$/.exec(parsed.words[0] ?? '') ?? [];
  const all = flag(parsed, '--all') !== undefined;
  if (all && name === undefined && type === 'deployments.apps') return { kind: type, namespace, condition, status };
  if (all || name === undefined) return undefined;
  if (type === 'node') return { kind: 'nodes', namespace: undefined, name, condition, status };
  if (type !== 'workloadentries.networking.istio.io' || namespace === undefined) return undefined;
  return { kind: type, namespace, name, condition, status };
}

function namesIn(cluster: SimulatedCluster, kind: string, namespace: string | undefined): readonly string[] {
  const all = cluster.store.list(kind).map(({ metadata }) => metadata);
  return all.filter((each) => each.namespace === namespace).map(({ name }) => name);
}

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
    return found;
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

/** kubectl's criteria: the change was observed, all pods are new, none is missing. */
function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const { generation = 1 } = metadata;
  const wanted = spec.replicas ?? 1;
  if (status === undefined) return false;
  const { observedGeneration, updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  return (
    observedGeneration >= generation &&
    updatedReplicas >= wanted &&
    replicas <= updatedReplicas &&
    availableReplicas >= updatedReplicas
  );
}

/** Returns undefined once it is so, or the program's result when it times out or the API server goes away. */
async function watch(
  { world, signal }: HostCall,
  cluster: SimulatedCluster,
  seconds: number,
  isSo: () => boolean,
  /** What the timeout message adds after "condition", e.g. the object's name. */
  of = '',
): Promise<ProgramResult | undefined> {
  for (const until = world.clock.now() + seconds * 1_000; !isSo();) {
    if (world.clock.now() >= until) return { exitCode: 1, stderr: `error: timed out waiting for the condition${of}\n` };
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
