import { asRoot, type Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import type { WorkloadEntry } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { requireClusterSnapshot, clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import type { WorkloadLab } from './workload-lab.ts';
import { waitForReadiness } from './sidecar-start.ts';

const REGISTRATION_MS = 90_000;

/** The entry that istiod created for the VM at this address, if it is connected. */
export function entryOf(lab: WorkloadLab, view: ClusterSnapshot, address: string): WorkloadEntry | undefined {
  return ofKind(view.objects, 'WorkloadEntry', lab.workload.namespace).find(
    ({ metadata, spec }) =>
      metadata.labels?.['app'] === lab.workload.app &&
      spec?.address === address &&
      metadata.annotations?.['istio.io/disconnectedAt'] === undefined,
  );
}

/**
 * istiod registers a proxy only when it connects. If the entry was deleted later (with its WorkloadGroup,
 * docs/facts/istio-vm.md 6.1), a running and ready sidecar stays unregistered until it reconnects.
 */
export async function registerAgain(
  lab: WorkloadLab,
  machine: Machine,
  address: string,
  context: StepContext,
): Promise<void> {
  const isRegisteredIn = (view: ClusterSnapshot): boolean => entryOf(lab, view, address) !== undefined;
  lab.kubectl.forget();
  if (isRegisteredIn(await requireClusterSnapshot(lab, context))) return;
  context.say(`${machine.name} is not registered; reconnecting its sidecar`);
  await machine.run(
    asRoot({ file: 'systemctl', args: ['restart', '--no-block', 'istio'], effect: 'write', timeoutMs: 60_000 }),
    context,
  );
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: `the WorkloadEntry of ${machine.name}`,
    deadlineMs: REGISTRATION_MS,
    intervalMs: 2_000,
    hint: `Look at istiod: \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${lab.config.istio.namespace} logs deployment/istiod-${lab.config.istio.revision}\`.`,
    probe: async () => {
      lab.kubectl.forget();
      const view = await clusterSnapshot(lab, context);
      return isRegisteredIn(view) ? { ready: true } : { pending: view.unreachable ?? 'not registered yet' };
    },
  });
  await waitForReadiness(lab, machine, context);
}
