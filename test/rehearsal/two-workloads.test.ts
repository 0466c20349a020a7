import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { chooseChecks, checksOf } from '../../src/verify/checks.ts';
import { readStatus } from '../../src/verify/status.ts';
import { simulated } from './support/simulated.ts';

const [first] = simulated().config.workloads;
const second = { ...first, name: 'VM-two', app: 'second-app', appPort: 9000, serviceAccount: 'second' };

describe('a configuration with two workload VMs', () => {
  const lab = simulated({ moreWorkloads: [second] });

  it('plans the second VM with ids that end with its name', async () => {
    const ids = (await lab.plan()).map(({ step }) => step.id);
    for (const id of ['vm', 'sidecar-package', 'workload', 'sidecar', 'demo', 'route']) {
      expect(ids).toContain(id);
      expect(ids).toContain(`${id}-vm-two`);
    }
  });

  it('joins both VMs, finds them ready and verifies them', { timeout: 120_000 }, async () => {
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect((await lab.up()).changed).toEqual([]);

    const { config } = lab;
    for (const { name } of config.workloads)
      expect(await lab.files.stat(`${config.paths.workloadFiles}/${name}/istio-token`)).toBeDefined();

    const proofs = await lab.verify([], { strict: true, networkPolicy: true });
    expect(proofs.red).toEqual([]);
    expect(proofs.results.map(({ name }) => name)).toEqual(checksOf(config).map(({ name }) => name));
    expect(proofs.results.find(({ name }) => name === 'mesh-to-vm-vm-two')?.evidence).toContain('second-app');
    expect(proofs.results.find(({ name }) => name === 'identity-vm-two')?.evidence).toContain('/sa/second');

    const sections = await lab.drive(() => readStatus(lab.lab(), quiet));
    expect(sections.map(({ title }) => title)).toContain('Workload VM VM-two');
  });

  it('blames the VM that is stopped, and not the other', { timeout: 120_000 }, async () => {
    await lab.shell(`multipass stop ${second.name}`);
    const { red } = await lab.verify();
    expect(red).toContain('sidecar-vm-two');
    expect(red).not.toContain('sidecar');
    expect(red).not.toContain('vm-to-mesh');
    expect((await lab.up()).changed).toContain('vm-vm-two');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('deletes both VMs with their files', { timeout: 120_000 }, async () => {
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
