import { ROUTE_PORT } from '../manifests/route.ts';
import { HELLOWORLD_PORT, MESH_CLIENT as CLIENT_NAME, SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import type { Lab } from '../steps/lab.ts';
import { fail, pass, type Check } from './check.ts';
import { patiently } from './patience.ts';
import { describe, isServed, requestFromPod, requestsFromVm, type Client } from './requests.ts';

/** Enough tries to see both versions: with two equal endpoints, missing one ten times has odds of 1 in 512. */
const TRIES = 10;
/** Tries of a pod, and the pause between them in milliseconds. */
const POD_TRIES = 5;
const PAUSE_MS = 2_000;

export const MESH_CLIENT: Client = { namespace: SAMPLE_NAMESPACE, deployment: CLIENT_NAME };

export const vmToMesh: Check = {
  name: 'vm-to-mesh',
  title: 'the VM reaches both versions of helloworld',
  usesSample: true,
  run: (lab, context) =>
    patiently(lab, context, async () => {
      const url = `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`;
      const answers = await requestsFromVm(lab, url, TRIES);
      const refused = answers.find((answer) => !isServed(answer));
      if (refused !== undefined) return fail(`${url}: ${describe(refused)}`, 'istio-vms bootstrap');
      const seen = new Set(answers.filter(isServed).flatMap(({ body }) => /version: (v\d+)/.exec(body)?.[1] ?? []));
      const evidence = `${url}: 200 from ${[...seen].sort().join(' and ') || 'an unknown version'}`;
      return seen.size >= 2 ? pass(evidence) : fail(`${evidence} only`, `kubectl -n ${SAMPLE_NAMESPACE} get pods`);
    }),
};

export const meshToVm: Check = {
  name: 'mesh-to-vm',
  title: 'a pod in the mesh reaches the VM',
  usesSample: true,
  async run(lab, context) {
    const url = workloadUrl(lab);
    // A former machine's entry may take its turn until istiod has noticed that it is gone.
    for (let tries = 1; ; tries++) {
      const answer = await requestFromPod(lab, MESH_CLIENT, url);
      const evidence = `${url}: ${describe(answer)}`;
      if (isServed(answer)) return pass(tries === 1 ? evidence : `${evidence} at try ${tries}`);
      if (tries === POD_TRIES) return fail(evidence, 'istio-vms route');
      await lab.doors.clock.sleep(PAUSE_MS, context.signal);
    }
  },
};

/** The VM's name in the mesh. */
export function workloadUrl(lab: Lab): string {
  const { app, namespace } = lab.config.vm;
  return `http://${app}.${namespace}.svc:${ROUTE_PORT}/`;
}
