import type { Config } from '../src/config/config.ts';
import type { Rehearsal } from '../src/rehearsal/index.ts';

const LOOK_MS = 1_000;
const TIMEOUT_MS = 300_000;

/** The article's own proof, by looking: the sample answers the machine, and the machine a pod of the mesh. */
export async function untilTraffic(
  { world, mesh }: Pick<Rehearsal, 'world' | 'mesh'>,
  { workloads: [vm] }: Config,
): Promise<void> {
  const instance = world.engine.instances.get(vm.name);
  if (instance === undefined) throw new Error('there is no workload machine');
  const until = world.clock.now() + TIMEOUT_MS;
  for (;;) {
    const there = mesh.requestFromVm(instance, 'http://helloworld.sample.svc:5000/hello');
    const back = mesh.requestFromPod('sample', 'helloworld-v1', `http://${vm.app}.${vm.namespace}.svc:8000/`);
    if (there.status === 200 && back.status === 200) return;
    if (world.clock.now() > until)
      throw new Error(`no traffic: ${there.status} ${there.stderr} / ${back.status} ${back.stderr}`);
    await world.clock.sleep(LOOK_MS);
  }
}
