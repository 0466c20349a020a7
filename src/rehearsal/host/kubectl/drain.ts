import { podObjects } from '../../cluster/kube.ts';
import { endPod } from '../../cluster/pods.ts';
import { fromServer } from '../../cluster/api-error.ts';
import type { Pod } from '../../cluster/shapes.ts';
import type { ProgramResult } from '../../world.ts';
import { flag } from './args.ts';
import type { Verb } from './verb.ts';

const POLL_MS = 500;

/** `kubectl drain NODE`: cordons the node and evicts its pods; the pods of DaemonSets stay. */
export const drain: Verb = {
  flags: {
    '--ignore-daemonsets': 'switch',
    '--delete-emptydir-data': 'switch',
    '--force': 'switch',
    '--disable-eviction': 'switch',
    '--timeout': 'value',
  },
  run: async ({ call, cluster, parsed }) => {
    const [name, ...more] = parsed.words;
    const seconds = /^(\d+)s$/.exec(flag(parsed, '--timeout') ?? '')?.[1];
    const lacking = ['--ignore-daemonsets', '--delete-emptydir-data', '--force'].find((one) => !parsed.flags.has(one));
    const odd = more[0] ?? lacking ?? (seconds === undefined ? '--timeout' : undefined);
    if (name === undefined || odd !== undefined)
      return {
        exitCode: 1,
        stderr: `error: not understood here: ${odd ?? ''}\n`,
        refused: `kubectl drain ${odd ?? ''}`,
      };
    const { store } = cluster;
    if (store.get('nodes', undefined, name) === undefined) throw fromServer('NotFound', `nodes "${name}" not found`);
    store.edit('nodes', undefined, name, (copy) => void (copy.spec.unschedulable = true));
    const pods = (): readonly Pod[] =>
      podObjects(store).filter(
        (pod) => pod.spec.nodeName === name && pod.metadata.ownerReferences?.[0]?.kind !== 'DaemonSet',
      );
    const evicts = !parsed.flags.has('--disable-eviction');
    const { clock } = call.world;
    for (const until = clock.now() + Number(seconds) * 1000; pods().length > 0;) {
      if (clock.now() >= until) return timedOut(name);
      for (const pod of pods()) if (!evicts || !isBudgeted(pod)) endPod({ world: call.world, store }, pod);
      await clock.sleep(POLL_MS, call.signal);
    }
    return { exitCode: 0, stdout: `node/${name} cordoned\nnode/${name} drained\n` };
  },
};

/** The charts of Istio give istiod and its gateways a disruption budget that a single pod cannot satisfy. */
const isBudgeted = ({ metadata }: Pod): boolean => metadata.namespace === 'istio-system';

const timedOut = (name: string): ProgramResult => ({
  exitCode: 1,
  stderr: `There are pending pods in node "${name}" when an error occurred: global timeout reached\nerror: unable to drain node "${name}" due to error: global timeout reached\n`,
});
