import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

describe('the machine state cached by a run', () => {
  it('does not report a machine as stopped after it has started again', async () => {
    const simulated = watch(await labThatIsUp());
    await simulated.shell(`multipass stop ${VM}`);
    const lab = simulated.lab();
    expect((await simulated.drive(() => lab.machines.find(VM, quiet)))?.state).toBe('stopped');
    // Any session starts the machine, e.g. one that replaces a lost session.
    await simulated.shell(`multipass exec -n ${VM} -- true`);
    expect((await simulated.drive(() => lab.workloadVm(lab.config.workloads[0].name).state(quiet)))?.arch).toBe(
      'amd64',
    );
  });

  it('is refreshed once, and reading the state does not start a stopped machine', async () => {
    const simulated = watch(await labThatIsUp());
    await simulated.shell(`multipass stop ${VM}`);
    const lab = simulated.lab();
    expect(await simulated.drive(() => lab.workloadVm(lab.config.workloads[0].name).state(quiet))).toBeUndefined();
    expect(simulated.machine(VM).state).toBe('Stopped');
  });
});
