import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

describe('what a run remembers', () => {
  it('does not report a machine as stopped after it has started again', async () => {
    const it = watch(await labThatIsUp());
    await it.shell(`multipass stop ${VM}`);
    const lab = it.lab();
    expect((await it.drive(() => lab.machines.find(VM, quiet)))?.state).toBe('stopped');
    // Any session starts it, e.g. one that goes on after another broke off.
    await it.shell(`multipass exec -n ${VM} -- true`);
    expect((await it.drive(() => lab.workloadVm(lab.config.workloads[0].name).state(quiet)))?.arch).toBe('amd64');
  });

  it('is refreshed once, and reading the state does not start a stopped machine', async () => {
    const it = watch(await labThatIsUp());
    await it.shell(`multipass stop ${VM}`);
    const lab = it.lab();
    expect(await it.drive(() => lab.workloadVm(lab.config.workloads[0].name).state(quiet))).toBeUndefined();
    expect(it.machine(VM).state).toBe('Stopped');
  });
});
