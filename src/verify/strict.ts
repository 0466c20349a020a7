import { PLAIN_CLIENT, PLAIN_NAMESPACE, plainClientObjects, strictObject } from '../kube/manifests/policies.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { deploymentState } from '../steps/deployment-state.ts';
import { createInstallErrorWatch, probePods } from '../steps/install-watch.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import { isOurs } from '../steps/left-objects.ts';
import { createDeadline } from '../system/deadline.ts';
import { fail, pass, type WorkloadCheck } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';
import { refusedBy, vmTarget } from './refusals.ts';
import { describe, isServed, requestFromPod, type Answer } from './requests.ts';
import { MESH_CLIENT, workloadUrl } from './traffic-checks.ts';

const ROLLOUT_MS = 180_000;
/** Policies reach proxies within seconds. */
const EFFECT_MS = 60_000;
const PAUSE_MS = 2_000;

/**
 * Mutual TLS is proven by a refused request: a client without a sidecar is served before the policy, and refused after.
 */
export const strict: WorkloadCheck = {
  of: 'workload',
  name: 'strict',
  title: 'with STRICT mutual TLS, plain traffic is refused and mesh traffic served',
  needs: ['istiod', 'sidecar', 'sample', 'mesh-to-vm'],
  commands: ['bootstrap', 'route', 'up'],
  optional: 'strict',
  mutatesLab: true,
  usesSample: true,
  async run(lab, context) {
    const wanted = strictObject(lab.config);
    const { name, namespace } = wanted.metadata;
    const there = (
      await lab.kubectl.get('peerauthentications.security.istio.io', { name, namespace: namespace ?? '' }, context)
    )[0];
    if (there !== undefined && !isOurs(lab, there)) {
      return fail(`a PeerAuthentication ${name} that istio-vms did not create is in ${namespace ?? ''}`, {
        hint: 'this check creates its own and would replace it',
      });
    }
    const plain = { namespace: PLAIN_NAMESPACE, deployment: PLAIN_CLIENT };
    const address = await lab.engine.machine(lab.workload.name).address(context);
    const plainUrl = `http://${address}:${lab.workload.appPort}/`;
    try {
      context.say('starting a client without a sidecar');
      await lab.kubectl.apply(plainClientObjects(lab.config), context);
      await waitForClient(lab, context);
      const before = await requestFromPod(lab, plain, plainUrl, context);
      if (!isServed(before)) {
        const what = `plain traffic is refused already without STRICT: ${describe(before)}`;
        return await refusedBy(lab, context, what, before, vmTarget(lab));
      }
      context.signal.throwIfAborted();
      context.say('PeerAuthentication STRICT');
      await lab.kubectl.apply([wanted], context);
      const after = await waitForAnswer(
        lab,
        context,
        'plain traffic to be refused',
        () => requestFromPod(lab, plain, plainUrl, context),
        (answer) => 'refused' in answer,
      );
      context.signal.throwIfAborted();
      const mesh = await requestFromPod(lab, MESH_CLIENT, workloadUrl(lab), context);
      const evidence = `plain before: ${describe(before)}; plain after: ${describe(after)}; mesh: ${describe(mesh)}`;
      return 'refused' in after && isServed(mesh)
        ? pass(evidence)
        : fail(evidence, { look: kubectlGetHint(lab, undefined, 'peerauthentications --all-namespaces') });
    } finally {
      context.say('deleting the experiment');
      const cleanup = { ...context, cleanup: true } as const;
      try {
        await lab.kubectl.remove('peerauthentications.security.istio.io', name, namespace, cleanup);
      } finally {
        await lab.kubectl.remove('namespace', PLAIN_NAMESPACE, undefined, cleanup);
      }
    }
  },
};

async function waitForClient(lab: WorkloadLab, context: StepContext): Promise<void> {
  const podErrors = createInstallErrorWatch(lab, PLAIN_NAMESPACE);
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: 'the client without a sidecar',
    deadlineMs: ROLLOUT_MS,
    intervalMs: 2_000,
    hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${PLAIN_NAMESPACE} get pods\`.`,
    probe: async () => {
      const place = { namespace: PLAIN_NAMESPACE };
      const view = { objects: await lab.kubectl.get(['deployments.apps', 'pods'], place, context) };
      const state = deploymentState(view, PLAIN_CLIENT, PLAIN_NAMESPACE);
      return state === 'available' ? { ready: true } : probePods(state, podErrors, view, [PLAIN_CLIENT]);
    },
  });
}

/** The first response that is as wanted, or the last one if none is. */
export async function waitForAnswer(
  lab: WorkloadLab,
  context: StepContext,
  what: string,
  ask: () => Promise<Answer>,
  wanted: (answer: Answer) => boolean,
): Promise<Answer> {
  let last = await ask();
  const deadline = createDeadline(lab.system.clock, EFFECT_MS);
  while (!wanted(last) && deadline.left() > 0) {
    context.say(`waiting for ${what}: ${describe(last)}`);
    await deadline.pause(PAUSE_MS, context.signal);
    last = await ask();
  }
  return last;
}
