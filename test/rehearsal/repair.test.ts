import { describe, expect, it } from 'vitest';
import { findingText } from '../../src/plan/text.ts';
import { BREAKAGES } from './support/breakages.ts';
import { upTwiceIn } from './support/healthy.ts';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

describe('a lab that was changed outside of istio-vms', () => {
  it.each(BREAKAGES)(
    'is reported by `plan` and repaired by `up` when $what',
    async ({ breakLab, findings: expected }) => {
      const lab = watch(await labThatIsUp());
      await breakLab(lab);

      const before = lab.transcript.length;
      const findings = Object.fromEntries(
        (await lab.plan()).map(({ step, finding }) => [step.id, findingText(finding)]),
      );
      expect(lab.transcript.slice(before).filter(({ effect }) => effect === 'write')).toEqual([]);
      for (const [id, pattern] of Object.entries(expected)) expect(findings[id]).toMatch(pattern);

      await upTwiceIn(lab);
    },
  );
});

describe('a lab that recovers by itself', () => {
  it('is unchanged by up a minute after the VM has rebooted', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass restart ${VM} --timeout 300`);
    await lab.pass(60_000);
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect(run.changed).toEqual([]);
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('passes its checks after every machine has rebooted', async () => {
    const lab = watch(await labThatIsUp());
    for (const name of [...lab.world.engine.instances.keys()])
      await lab.shell(`multipass restart ${name} --timeout 300`);
    await lab.pass(240_000);
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('passes its checks a day later, when certificates are renewed and the token in the files has expired', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(20 * 3_600_000);
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });
});
