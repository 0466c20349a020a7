import { describe, expect, it } from 'vitest';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

describe('what a run remembers', () => {
  it('is no reason to call a machine stopped that runs again', async () => {
    const it = watch(await labThatIsUp());
    await it.shell(`multipass stop ${VM}`);
    const lab = it.lab();
    expect((await it.drive(() => lab.machines.find(VM)))?.state).toBe('stopped');
    // Any session starts it, e.g. one that goes on after another broke off.
    await it.shell(`multipass exec -n ${VM} -- true`);
    expect((await it.drive(() => lab.workloadVm.state()))?.arch).toBe('amd64');
  });

  it('is asked anew once, and a stopped machine is not started by a look', async () => {
    const it = watch(await labThatIsUp());
    await it.shell(`multipass stop ${VM}`);
    const lab = it.lab();
    expect(await it.drive(() => lab.workloadVm.state())).toBeUndefined();
    expect(it.machine(VM).state).toBe('Stopped');
  });
});
