import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { chooseChecks, checksOf } from '../../src/verify/checks.ts';
import { readStatus } from '../../src/verify/status.ts';
import { simulated } from './support/simulated.ts';

const [first] = simulated().config.workloads;
const second = { ...first, name: 'VM-two', app: 'second-app', appPort: 9000, serviceAccount: 'second' };

describe('a configuration with two workload VMs', () => {
  const lab = simulated({ moreWorkloads: [second] });

  it('has steps for the second VM whose ids end with its name', async () => {
    const ids = (await lab.plan()).map(({ step }) => step.id);
    for (const id of ['vm', 'sidecar-package', 'workload', 'sidecar', 'demo', 'route']) {
      expect(ids).toContain(id);
      expect(ids).toContain(`${id}-vm-two`);
    }
  });

  it('is applied, unchanged by a second up, and verified for both VMs', { timeout: 120_000 }, async () => {
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect((await lab.up()).changed).toEqual([]);

    const { config } = lab;
    for (const { name } of config.workloads)
      expect(await lab.files.stat(`${config.paths.workloadFiles}/${name}/istio-token`)).toBeDefined();

    const verification = await lab.verify([], { strict: true, networkPolicy: true });
    expect(verification.failed).toEqual([]);
    expect(verification.results.map(({ name }) => name)).toEqual(checksOf(config).map(({ name }) => name));
    expect(verification.results.find(({ name }) => name === 'mesh-to-vm-vm-two')?.evidence).toContain('second-app');
    expect(verification.results.find(({ name }) => name === 'identity-vm-two')?.evidence).toContain('/sa/second');

    const sections = await lab.drive(() => readStatus(lab.lab(), quiet));
    expect(sections.map(({ title }) => title)).toContain('Workload VM VM-two');
  });

  it('reports only the VM that is stopped', { timeout: 120_000 }, async () => {
    await lab.shell(`multipass stop ${second.name}`);
    const { failed } = await lab.verify();
    expect(failed).toContain('sidecar-vm-two');
    expect(failed).not.toContain('sidecar');
    expect(failed).not.toContain('vm-to-mesh');
    expect((await lab.up()).changed).toContain('vm-vm-two');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('is deleted with both VMs and their files', { timeout: 120_000 }, async () => {
    expect((await lab.down()).report.error).toBeUndefined();
    expect([...lab.world.engine.instances.values()].filter(({ state }) => state !== 'Deleted')).toEqual([]);
    for (const { name } of lab.config.workloads)
      expect(await lab.files.stat(`${lab.config.paths.workloadFiles}/${name}`)).toBeUndefined();
  });
});

it('chooses the checks of further VMs by name', () => {
  const choice = { names: ['sidecar-vm-two'], strict: false, networkPolicy: false };
  const all = checksOf({ workloads: [first, second] });
  expect(chooseChecks(choice, all).map(({ name, needs }) => [name, needs])).toEqual([['sidecar-vm-two', []]]);
  expect(all.find(({ name }) => name === 'dns-vm-two')?.needs).toEqual(['nodes', 'sidecar-vm-two']);
});
