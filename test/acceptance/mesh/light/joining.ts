import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { WorkloadFiles } from '../../../../src/guest/workload-files.ts';
import { ROUTE_PORT } from '../../../../src/kube/manifests/workload.ts';
import { HELLOWORLD_PORT, SAMPLE_NAMESPACE } from '../../../../src/kube/manifests/sample.ts';
import type { ApiObject } from './api.ts';
import type { Checks } from './checks.ts';
import type { ClusterSide } from './cluster-side.ts';
import type { LightLab } from './lab.ts';
import type { Place } from './place.ts';
import { until } from './processes.ts';
import { openSession } from './session.ts';
import { OUTSIDE, type Vm } from './vm.ts';

/** Joins the VM to the mesh while a session on port 22 is open. */
export async function joinMesh(lab: LightLab, checks: Checks, vm: Vm, files: WorkloadFiles): Promise<void> {
  const { config } = lab;
  const { name } = vm.place;
  const session = await openSession(vm.place.address);
  await session.expectAlive();
  await checks.need(`${name}: sidecar-install.sh installs`, async () => equal(await vm.install(), 'installed'));
  await checks.need(`${name}: the demo workload starts`, async () =>
    equal((await vm.putDemo()).stdout.trim(), 'started'),
  );
  await checks.need(`${name}: place.sh and sidecar-start.sh start the sidecar`, async () => {
    equal((await vm.putSidecar(files)).stdout.trim(), 'started');
  });
  await checks.need(`${name}: the sidecar is ready`, () => vm.ready());
  await checks.check(`${name}: a session on port 22 older than the rules survives them`, () => session.expectAlive());
  await checks.check(`${name}: state.sh reports what the product waits for`, async () => {
    const { sidecar: all, demo, certExpires, now = 0, lab: owner } = await vm.state();
    const { invocation, ...sidecar } = all;
    match(invocation ?? '', /^[0-9a-f]{32}$/);
    deepEqual({ owner, ...sidecar }, { owner: 'light', ...READY, version: config.istio.version });
    deepEqual(demo, { enabled: true, current: true, active: 'active' });
    ok((certExpires ?? 0) > now + 3600, `the certificate ends at ${String(certExpires)}, now is ${now}`);
  });
  await checks.check(`${name}: placing the same again changes nothing`, async () => {
    deepEqual(await vm.putSidecar(files), { changed: [], stdout: 'unchanged\n' });
  });
  await checks.check(`${name}: Envoy holds the identity of the service account`, async () => {
    // Envoy names the certificate once for each cluster that uses it.
    const uris = new Set((await vm.identities()).map(({ uri }) => uri));
    deepEqual(
      [...uris],
      [`spiffe://cluster.local/ns/${config.workloads[0].namespace}/sa/${config.workloads[0].serviceAccount}`],
    );
  });
}

const READY = { active: 'active', enabled: true, current: true, ready: true, readyCode: 200, hosts: true } as const;

/** Checks traffic between the VM and the cluster in both directions, DNS and health. */
export async function checkTraffic(lab: LightLab, checks: Checks, vm: Vm, side: ClusterSide): Promise<void> {
  const { config } = lab;
  const { app, namespace } = config.workloads[0];
  await checks.check('the VM registered itself and is healthy', () => health(lab, vm, 'True'));
  const serviceIp = async (where: string, service: string): Promise<string> =>
    (await lab.cluster.api.get(`/api/v1/namespaces/${where}/services/${service}`))['spec'].clusterIP as string;
  await checks.check('DNS on the VM: a name of the mesh through port 53', async () => {
    deepEqual(await vm.lookup(`helloworld.${SAMPLE_NAMESPACE}.svc`), [await serviceIp(SAMPLE_NAMESPACE, 'helloworld')]);
  });
  await checks.check('DNS on the VM: a name of the outside through port 53', () => outsideName(vm));
  await checks.check('VM to mesh, by name', () =>
    answers(vm.place, /Hello version: v1/, `http://helloworld.${SAMPLE_NAMESPACE}.svc:${HELLOWORLD_PORT}/hello`),
  );
  await checks.check('mesh to VM', async () => {
    const host = `${app}.${namespace}.svc`;
    const resolve = ['--resolve', `${host}:${ROUTE_PORT}:${await serviceIp(namespace, app)}`];
    await answers(side.helloworld, /istio-vms/, `http://${host}:${ROUTE_PORT}/`, ...resolve);
  });
  await checks.check('health: False when the application stops', async () => {
    await vm.demo.stop();
    await health(lab, vm, 'False');
  });
  await checks.check('health: True when it runs again', async () => {
    await vm.demo.start();
    await health(lab, vm, 'True');
  });
  for (const place of [side.gateway, side.helloworld, vm.place])
    await checks.check(`Envoy of ${place.name} rejected no update`, () => rejectedNothing(place));
}

/** Checks that the machine resolves names outside the mesh. */
export async function outsideName(vm: Vm): Promise<void> {
  deepEqual(await vm.lookup(OUTSIDE.name), [OUTSIDE.address]);
}

/** Waits for the Healthy condition of the VM's WorkloadEntry. */
export async function health(lab: LightLab, vm: Vm, wanted: 'True' | 'False'): Promise<void> {
  const path = `/apis/networking.istio.io/v1/namespaces/${lab.config.workloads[0].namespace}/workloadentries`;
  await until(`Healthy=${wanted}`, 20, async () => {
    const entries = await lab.cluster.api.list(path);
    const [entry, ...others] = entries.filter(
      ({ spec }) => (spec as { address?: string }).address === vm.place.address,
    );
    if (entry === undefined || others.length > 0) throw new Error(`${others.length + (entry ? 1 : 0)} WorkloadEntries`);
    const status = conditionOf(entry);
    if (status !== wanted) throw new Error(`Healthy=${String(status)}`);
    return true;
  });
}

function conditionOf(entry: ApiObject): string | undefined {
  const conditions = (entry['status']?.conditions ?? []) as { type: string; status: string }[];
  return conditions.find(({ type }) => type === 'Healthy')?.status;
}

/** Sends a request as an ordinary user, whose traffic goes through the sidecar. */
async function answers(place: Place, wanted: RegExp, url: string, ...options: readonly string[]): Promise<void> {
  const unprivileged = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const args = [...unprivileged, 'curl', '--silent', '--show-error', '--max-time', '5', ...options, url];
  await until(url, 15, async () => {
    const { stdout } = await place.run({ file: 'setpriv', args, effect: 'read' });
    match(stdout, wanted);
    return true;
  });
}

async function rejectedNothing(place: Place): Promise<void> {
  const stats = await place.sh("curl -sf 'http://127.0.0.1:15000/stats?filter=update_rejected'");
  ok(stats.includes('cluster_manager.cds.update_rejected: 0'), `no such counter in ${stats}`);
  deepEqual(
    stats.split('\n').filter((line) => /: [1-9]/.test(line)),
    [],
  );
}
