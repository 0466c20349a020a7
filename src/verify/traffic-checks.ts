import { ROUTE_PORT } from '../manifests/route.ts';
import { HELLOWORLD_PORT, MESH_CLIENT as CLIENT_NAME, SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import type { Lab } from '../steps/lab.ts';
import { fail, pass, type Check } from './check.ts';
import { describe, isServed, requestFromPod, requestsFromVm, type Client } from './requests.ts';

/** Enough tries to see both versions: with two equal endpoints, missing one ten times has odds of 1 in 512. */
const TRIES = 10;

export const MESH_CLIENT: Client = { namespace: SAMPLE_NAMESPACE, deployment: CLIENT_NAME };

export const vmToMesh: Check = {
  name: 'vm-to-mesh',
  title: 'the VM reaches both versions of helloworld',
  usesSample: true,
  async run(lab) {
    const url = `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`;
    const answers = await requestsFromVm(lab, url, TRIES);
    const refused = answers.find((answer) => !isServed(answer));
    if (refused !== undefined) return fail(`${url}: ${describe(refused)}`, 'istio-vms bootstrap');
    const seen = new Set(answers.filter(isServed).flatMap(({ body }) => /version: (v\d+)/.exec(body)?.[1] ?? []));
    const evidence = `${url}: 200 from ${[...seen].sort().join(' and ') || 'an unknown version'}`;
    return seen.size >= 2 ? pass(evidence) : fail(`${evidence} only`, `kubectl -n ${SAMPLE_NAMESPACE} get pods`);
  },
};

export const meshToVm: Check = {
  name: 'mesh-to-vm',
  title: 'a pod in the mesh reaches the VM',
  usesSample: true,
  async run(lab) {
    const url = workloadUrl(lab);
    const answer = await requestFromPod(lab, MESH_CLIENT, url);
    return isServed(answer) ? pass(`${url}: ${describe(answer)}`) : fail(`${url}: ${describe(answer)}`, 'istio-vms route');
  },
};

/** The VM's name in the mesh. */
export function workloadUrl(lab: Lab): string {
  const { app, namespace } = lab.config.vm;
  return `http://${app}.${namespace}.svc:${ROUTE_PORT}/`;
}
