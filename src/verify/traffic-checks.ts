import { ROUTE_PORT } from '../manifests/route.ts';
import { HELLOWORLD_PORT, MESH_CLIENT as CLIENT_NAME, SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import { findObject } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';
import { fail, pass, type Check, type CheckContext } from './check.ts';
import { look } from './cluster-checks.ts';
import { patiently } from './patience.ts';
import { isForbidden, refusedBy, vmTarget } from './refusals.ts';
import { describe, isServed, requestFromPod, requestsFromVm, type Answer, type Client } from './requests.ts';
import { requestsFor, VERSIONS, versionIn, type Version } from './versions-seen.ts';
import { lookAtCluster, readyPodsBehind } from './view.ts';

/** Requests of the first session and of each further one. */
const FIRST = 8;
const FURTHER = 25;
/** Istio's configuration of a sample that was made a moment ago reaches the VM's Envoy within this. */
const PUSH_MS = 3_000;
/** Tries of a pod, and the pause between them in milliseconds. */
const POD_TRIES = 5;
const PAUSE_MS = 2_000;

export const MESH_CLIENT: Client = { namespace: SAMPLE_NAMESPACE, deployment: CLIENT_NAME };

export const vmToMesh: Check = {
  name: 'vm-to-mesh',
  title: 'the VM reaches both versions of helloworld',
  needs: ['sidecar', 'dns', 'gateway', 'sample'],
  explainedBy: ['nodes', 'istiod'],
  madeBy: ['istio-vms bootstrap', 'istio-vms up'],
  usesSample: true,
  run: (lab, context) =>
    patiently(lab, context, async () => {
      const url = `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`;
      const { seen, refused, requests } = await seeVersions(lab, context, url);
      if (refused !== undefined) {
        const evidence = `${url}: ${describe(refused)}`;
        const target = { namespace: SAMPLE_NAMESPACE, labels: { app: 'helloworld' } };
        if (isForbidden(refused)) return refusedBy(lab, evidence, refused, target);
        return fail(evidence, { look: look(lab, SAMPLE_NAMESPACE, 'pods,services') });
      }
      const evidence = `${url}: 200 from ${[...seen].sort().join(' and ') || 'an unknown version'}`;
      if (seen.size === VERSIONS.length) return pass(evidence);
      return fail(`${evidence} only, in ${requests} requests`, {
        look: look(lab, SAMPLE_NAMESPACE, 'pods,destinationrules,virtualservices'),
      });
    }),
};

interface Seen {
  readonly seen: ReadonlySet<Version>;
  readonly requests: number;
  /** The first answer that was not 200. */
  readonly refused?: Answer;
}

/** Asks until both versions have answered, or so often that a version that can be reached would have (`requestsFor`). */
async function seeVersions(lab: Lab, context: CheckContext, url: string): Promise<Seen> {
  const view = await lookAtCluster(lab);
  const most = requestsFor(readyPodsBehind(view, findObject(view, 'Service', 'helloworld', SAMPLE_NAMESPACE)));
  const seen = new Set<Version>();
  let requests = 0;
  while (seen.size < VERSIONS.length && requests < FIRST + most) {
    if (requests === FIRST) await lab.doors.clock.sleep(PUSH_MS, context.signal);
    const times = requests === 0 ? FIRST : Math.min(FURTHER, FIRST + most - requests);
    const answers = await requestsFromVm(lab, url, times);
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

export const meshToVm: Check = {
  name: 'mesh-to-vm',
  title: 'a pod in the mesh reaches the VM',
  needs: ['sidecar', 'sample', 'registration'],
  explainedBy: ['nodes', 'istiod', 'health'],
  madeBy: ['istio-vms bootstrap', 'istio-vms route', 'istio-vms up'],
  usesSample: true,
  async run(lab, context) {
    const url = workloadUrl(lab);
    const { clock } = lab.doors;
    const until = clock.now() + POD_TRIES * PAUSE_MS;
    // A former machine's entry may take its turn until istiod has noticed that it is gone.
    for (let tries = 1; ; tries++) {
      const answer = await requestFromPod(lab, MESH_CLIENT, url);
      const evidence = `${url}: ${describe(answer)}`;
      if (isServed(answer)) return pass(tries === 1 ? evidence : `${evidence} at try ${tries}`);
      if (isForbidden(answer)) return refusedBy(lab, evidence, answer, vmTarget(lab));
      if (tries === POD_TRIES || clock.now() >= until)
        return fail(evidence, { look: look(lab, lab.config.vm.namespace, 'services,workloadentries') });
      await clock.sleep(PAUSE_MS, context.signal);
    }
  },
};

/** The VM's name in the mesh. */
export function workloadUrl(lab: Lab): string {
  const { app, namespace } = lab.config.vm;
  return `http://${app}.${namespace}.svc:${ROUTE_PORT}/`;
}
