import { articleDenyAll, articleDenyEgress, denyEgressToVm } from '../kube/manifests/policies.ts';
import type { Manifest } from '../kube/manifests/manifest.ts';
import { HELLOWORLD_PORT, SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import type { StepContext } from '../plan/step.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import { fail, pass, type Verdict, type WorkloadCheck } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';
import { describe, isServed, requestFromPod, type Answer } from './requests.ts';
import { waitForAnswer } from './strict.ts';
import { MESH_CLIENT, workloadUrl } from './traffic-checks.ts';

/**
 * The article's experiments with network policies, with their actual effects (docs/facts/istio-vm.md 8.1): a policy
 * cannot select a VM; a policy with a namespace selector blocks every destination that is not a pod; only an IP block
 * matches the VM itself.
 */
export const networkPolicy: WorkloadCheck = {
  of: 'workload',
  name: 'network-policy',
  title: 'network policies: their effect on the traffic of the VM',
  needs: ['sidecar', 'sample', 'mesh-to-vm'],
  commands: ['bootstrap', 'route', 'up'],
  optional: 'network-policy',
  mutatesLab: true,
  usesSample: true,
  async run(lab, context) {
    const address = await lab.engine.machine(lab.workload.name).address(context);
    const steps: readonly Experiment[] = [
      { name: 'by pod selector', policy: articleDenyAll(lab.config, lab.workload), vm: 'served' },
      { name: 'by namespace', policy: articleDenyEgress(lab.config, lab.workload), vm: 'refused' },
      { name: 'by address block', policy: denyEgressToVm(lab.config, address), vm: 'refused' },
    ];
    const seen: Verdict[] = [];
    for (const step of steps) seen.push(await experiment(lab, context, step));
    const after = await waitForAnswer(lab, context, 'traffic to flow again', () => toVm(lab, context), isServed);
    seen.push(isServed(after) ? pass('afterwards: served') : fail(`afterwards: ${describe(after)}`));
    const evidence = seen.map((verdict) => verdict.evidence).join('; ');
    return seen.every((verdict) => verdict.ok)
      ? pass(evidence)
      : fail(evidence, {
          look: `${kubectlGetHint(lab, SAMPLE_NAMESPACE, 'networkpolicies')}; is the network policy controller of k3s on?`,
        });
  },
};

interface Experiment {
  readonly name: string;
  readonly policy: Manifest;
  readonly vm: 'served' | 'refused';
}

async function experiment(lab: WorkloadLab, context: StepContext, { name, policy, vm }: Experiment): Promise<Verdict> {
  context.signal.throwIfAborted();
  context.say(`a policy ${name}`);
  try {
    await lab.kubectl.apply([policy], context);
    const answer =
      vm === 'served'
        ? // A policy without an effect cannot be waited for, so it gets the time that the others need.
          await lab.system.clock.sleep(5_000, context.signal).then(() => toVm(lab, context))
        : await waitForAnswer(
            lab,
            context,
            'the policy to act',
            () => toVm(lab, context),
            (seen) => !isServed(seen),
          );
    const pods = await requestFromPod(
      lab,
      MESH_CLIENT,
      `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`,
      context,
    );
    const evidence = `${name}: VM ${isServed(answer) ? 'served' : 'refused'}, pods ${isServed(pods) ? 'served' : 'refused'}`;
    return isServed(answer) === (vm === 'served') && isServed(pods) ? pass(evidence) : fail(evidence);
  } finally {
    await lab.kubectl.remove('networkpolicies.networking.k8s.io', policy.metadata.name, policy.metadata.namespace, {
      ...context,
      cleanup: true,
    });
  }
}

function toVm(lab: WorkloadLab, context: StepContext): Promise<Answer> {
  return requestFromPod(lab, MESH_CLIENT, workloadUrl(lab), context);
}
