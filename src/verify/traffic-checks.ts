import { ROUTE_PORT } from '../kube/manifests/workload.ts';
import { HELLOWORLD_PORT, MESH_CLIENT as CLIENT_NAME, SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import { GATEWAY_SERVICE } from '../kube/manifests/east-west-gateway.ts';
import { findObject, readyPodsBehind, runningPods } from '../steps/cluster-snapshot.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { NetworkPolicy, Pod } from '../kube/kinds.ts';
import { fail, pass, type CheckContext, type WorkloadCheck } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';
import { limitedBy, limitingPolicies } from './limiting-policies.ts';
import { withRetry } from './retry.ts';
import { isForbidden, refusedBy, vmTarget } from './refusals.ts';
import { describe, isServed, requestFromPod, requestsFromVm, type Answer, type Client } from './requests.ts';
import { requestsFor, VERSIONS, versionIn, type Version } from './versions-seen.ts';
import { stability } from './stability.ts';
import { clusterSnapshotFor } from './snapshot.ts';

/** Number of requests in the first session and in each further one. */
const FIRST = 8;
const FURTHER = 25;
/** Istio's configuration of a sample that was just created reaches the VM's Envoy within this time. */
const PUSH_MS = 3_000;
/**
 * How long a request that is not served is retried: not at all when the reason is known, longer while the lab is
 * settling.
 */
const RETRY_MS = { explained: 0, steady: 6_000, settling: 30_000 };
const PAUSE_MS = 2_000;

export const MESH_CLIENT: Client = { namespace: SAMPLE_NAMESPACE, deployment: CLIENT_NAME };

export const vmToMesh: WorkloadCheck = {
  of: 'workload',
  name: 'vm-to-mesh',
  title: 'the VM reaches both versions of helloworld',
  needs: ['sidecar', 'dns', 'gateway', 'sample'],
  explainedBy: ['nodes', 'istiod'],
  commands: ['bootstrap', 'up'],
  usesSample: true,
  run: (lab, context) =>
    withRetry(lab, context, async () => {
      const url = `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`;
      const { answer, tries, policies } = await untilServed(
        lab,
        context,
        (tries) => collectVersions(lab, context, url, tries),
        () => onTheWayToMesh(lab, context),
      );
      const { seen, refused, requests } = answer;
      if (refused !== undefined) {
        const evidence = `${url}: ${describe(refused)}`;
        const target = { namespace: SAMPLE_NAMESPACE, labels: { app: 'helloworld' } };
        if (isForbidden(refused)) return refusedBy(lab, context, evidence, refused, target);
        if (policies.length > 0) return limitedBy(lab, evidence, policies);
        return fail(evidence, { look: kubectlGetHint(lab, SAMPLE_NAMESPACE, 'pods,services') });
      }
      const evidence = `${url}: 200 from ${[...seen].sort().join(' and ') || 'an unknown version'}`;
      if (seen.size === VERSIONS.length) return pass(atTry(evidence, tries));
      return fail(`${evidence} only, in ${requests} requests`, {
        look: kubectlGetHint(lab, SAMPLE_NAMESPACE, 'pods,destinationrules,virtualservices'),
      });
    }),
};

interface Seen {
  readonly seen: ReadonlySet<Version>;
  readonly requests: number;
  /** The first answer that was not 200. */
  readonly refused?: Answer;
}

/**
 * Sends requests until both versions have responded, or until every reachable version should have (`requestsFor`). On a
 * retry the first session is longer, so that a failing request is not missed by luck.
 */
async function collectVersions(lab: WorkloadLab, context: CheckContext, url: string, tries: number): Promise<Seen> {
  const first = tries === 1 ? FIRST : FURTHER;
  const view = await clusterSnapshotFor(lab, context);
  const most = requestsFor(readyPodsBehind(view, findObject(view, 'Service', 'helloworld', SAMPLE_NAMESPACE)));
  const seen = new Set<Version>();
  let requests = 0;
  while (seen.size < VERSIONS.length && requests < first + most) {
    if (requests === first) await lab.system.clock.sleep(PUSH_MS, context.signal);
    const times = requests === 0 ? first : Math.min(FURTHER, first + most - requests);
    const answers = await requestsFromVm(lab, url, times, context);
    const refused = answers.find((answer) => !isServed(answer));
    if (refused !== undefined) return { seen, requests, refused };
    for (const { body } of answers.filter(isServed)) {
      const version = versionIn(body);
      if (version !== undefined) seen.add(version);
    }
    requests += answers.length;
  }
  return { seen, requests };
}

export const meshToVm: WorkloadCheck = {
  of: 'workload',
  name: 'mesh-to-vm',
  title: 'a pod in the mesh reaches the VM',
  needs: ['nodes', 'sidecar', 'sample', 'registration'],
  explainedBy: ['istiod', 'health'],
  commands: ['bootstrap', 'route', 'up'],
  usesSample: true,
  async run(lab, context) {
    const url = workloadUrl(lab);
    const ask = async (): Promise<{ given: Answer; refused?: Answer }> => {
      const given = await requestFromPod(lab, MESH_CLIENT, url, context);
      return isServed(given) ? { given } : { given, refused: given };
    };
    const { answer, tries, policies } = await untilServed(lab, context, ask, () => onTheWayToVm(lab, context));
    const evidence = `${url}: ${describe(answer.given)}`;
    if (answer.refused === undefined) return pass(atTry(evidence, tries));
    if (isForbidden(answer.refused)) return refusedBy(lab, context, evidence, answer.refused, vmTarget(lab));
    if (policies.length > 0) return limitedBy(lab, evidence, policies);
    return fail(evidence, { look: kubectlGetHint(lab, lab.workload.namespace, 'services,workloadentries') });
  },
};

/** Policies of the gateway's pods and of helloworld's pods, which requests from the VM pass through. */
async function onTheWayToMesh(lab: WorkloadLab, context: CheckContext): Promise<readonly NetworkPolicy[]> {
  const view = await clusterSnapshotFor(lab, context);
  const behind = (name: string, namespace: string): readonly Pod[] =>
    readyPodsBehind(view, findObject(view, 'Service', name, namespace));
  return limitingPolicies(lab, context, [
    { pods: behind(GATEWAY_SERVICE, lab.config.istio.namespace), directions: ['Ingress', 'Egress'] },
    { pods: behind('helloworld', SAMPLE_NAMESPACE), directions: ['Ingress'] },
  ]);
}

/** Policies of the client's pods; no policy can select the VM. */
async function onTheWayToVm(lab: WorkloadLab, context: CheckContext): Promise<readonly NetworkPolicy[]> {
  const pods = runningPods(await clusterSnapshotFor(lab, context), SAMPLE_NAMESPACE);
  const clients = pods.filter(({ metadata }) => metadata.labels?.['app'] === CLIENT_NAME);
  return limitingPolicies(lab, context, [{ pods: clients, directions: ['Egress'] }]);
}

/**
 * Retries while a request is not served, for as long as that may resolve itself; no retries if policies may block it.
 */
async function untilServed<T extends { readonly refused?: Answer }>(
  lab: WorkloadLab,
  context: CheckContext,
  ask: (tries: number) => Promise<T>,
  findPolicies: () => Promise<readonly NetworkPolicy[]>,
): Promise<{ readonly answer: T; readonly tries: number; readonly policies: readonly NetworkPolicy[] }> {
  const { clock } = lab.system;
  const from = clock.now();
  let until: number | undefined;
  let policies: readonly NetworkPolicy[] = [];
  for (let tries = 1; ; tries++) {
    const answer = await ask(tries);
    const { refused } = answer;
    if (refused === undefined || isForbidden(refused)) return { answer, tries, policies };
    if (until === undefined) {
      policies = await findPolicies();
      until = from + RETRY_MS[policies.length > 0 ? 'explained' : await stability(lab, context)];
    }
    if (clock.now() + PAUSE_MS >= until) return { answer, tries, policies };
    context.say(`retrying: ${describe(refused)}`);
    await clock.sleep(PAUSE_MS, context.signal);
  }
}

const atTry = (evidence: string, tries: number): string => (tries === 1 ? evidence : `${evidence} at try ${tries}`);

/** The VM's name in the mesh. */
export function workloadUrl(lab: WorkloadLab): string {
  const { app, namespace } = lab.workload;
  return `http://${app}.${namespace}.svc:${ROUTE_PORT}/`;
}
