import type { Config } from '../src/config/config.ts';
import type { Rehearsal } from '../src/rehearsal/index.ts';

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 300_000;

/** Waits until the VM gets a response from the sample, and a pod of the mesh gets one from the VM, as in the article. */
export async function untilTraffic(
  { world, mesh }: Pick<Rehearsal, 'world' | 'mesh'>,
  { workloads: [vm] }: Config,
): Promise<void> {
  const instance = world.engine.instances.get(vm.name);
  if (instance === undefined) throw new Error('there is no workload machine');
  const until = world.clock.now() + TIMEOUT_MS;
  for (;;) {
    const toMesh = mesh.requestFromVm(instance, 'http://helloworld.sample.svc:5000/hello');
    const toVm = mesh.requestFromPod('sample', 'helloworld-v1', `http://${vm.app}.${vm.namespace}.svc:8000/`);
    if (toMesh.status === 200 && toVm.status === 200) return;
    if (world.clock.now() > until)
      throw new Error(`no traffic: ${toMesh.status} ${toMesh.stderr} / ${toVm.status} ${toVm.stderr}`);
    await world.clock.sleep(INTERVAL_MS);
  }
}
