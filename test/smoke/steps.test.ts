import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { documentOf, expectSuccess, writesOf } from './evidence.ts';
import { filesIn, snapshotOf } from './snapshot.ts';

// The steps of the article as single commands. The tests depend on each other and run in this order.
describe('step commands', () => {
  let computer: Computer;
  beforeAll(async () => {
    computer = await createComputer();
  });
  afterAll(() => computer.remove());

  const workloadFile = (name: string): Promise<string> =>
    readFile(join(computer.cwd, '.data', 'workload-files', name), 'utf8');

  const failsTooEarly = async (command: readonly string[], names: string): Promise<void> => {
    const [world, files] = [snapshotOf(computer.world), await filesIn(computer.cwd)];
    const ended = await computer.run(...command);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ended.stderr).toContain(names);
    expect(writesOf(ended)).toEqual([]);
    expect(snapshotOf(computer.world)).toEqual(world);
    expect(await filesIn(computer.cwd)).toEqual(files);
  };

  const succeedsOnce = async (...command: readonly string[]): Promise<void> => {
    const ended = await computer.run(...command);
    expectSuccess(ended);
    expect(ended.stdout).toMatch(/^\d+ steps? applied/);
    expect(writesOf(await computer.run(...command)), 'the same step again').toEqual([]);
  };

  it.each([
    ['istio', 'istio-vms k3s'],
    ['eastwest', 'istio-vms istio'],
    ['workload', 'istio-vms istio'],
    ['bootstrap', 'istio-vms vm'],
    ['route', 'istio-vms vm'],
  ])('refuses %s on an empty computer, names %s and changes nothing', (step, names) => failsTooEarly([step], names));

  it('reports missing prerequisites as a JSON document', async () => {
    const ended = await computer.run('istio', '--output', 'json');
    expect(ended.exitCode).toBe(2);
    expect(documentOf(ended)).toMatchObject({
      outcome: 'error',
      error: { reason: 'prerequisite-missing', exitCode: 2 },
    });
  });

  it('applies k3s, and changes nothing the second time', () => succeedsOnce('k3s'));

  it('installs istioctl without a tool command that writes', async () => {
    const istioctl = await computer.run('istioctl');
    expectSuccess(istioctl);
    expect(writesOf(istioctl)).toEqual([]);
    expect(await filesIn(join(computer.cwd, '.bin'))).toMatchObject({ istioctl: '0777 istioctl-1.19.3' });
  });

  it('names the command that creates the VM when bootstrap runs before it', () =>
    failsTooEarly(['bootstrap'], 'istio-vms vm'));
  it('applies istio, and changes nothing the second time', () => succeedsOnce('istio'));
  it('applies eastwest, and changes nothing the second time', () => succeedsOnce('eastwest'));
  it('applies vm, and changes nothing the second time', () => succeedsOnce('vm'));
  it('names the command that creates the workload files when bootstrap runs before it', () =>
    failsTooEarly(['bootstrap'], 'istio-vms workload'));

  it('keeps what istioctl wrote with workload --no-fix-ca --no-fix-pilot', async () => {
    await succeedsOnce('workload', '--no-fix-ca', '--no-fix-pilot');
    expect(await workloadFile('cluster.env')).toContain(':15012');
  });

  it('keeps the CA address with workload --no-fix-ca', async () => {
    await succeedsOnce('workload', '--no-fix-ca');
    expect(await workloadFile('cluster.env')).toMatch(/CA_ADDR=.*:15012/);
    expect(await workloadFile('mesh.yaml')).toContain(':15013');
  });

  it('fixes both addresses with workload', async () => {
    await succeedsOnce('workload');
    expect(await workloadFile('cluster.env')).toMatch(/CA_ADDR=.*:15013/);
    expect(await workloadFile('hosts')).toMatch(/^\d+\.\d+\.\d+\.\d+ istiod-1-19-3\.istio-system\.svc/);
  });

  it('applies bootstrap, and changes nothing the second time', () => succeedsOnce('bootstrap'));
  it('applies route, and changes nothing the second time', () => succeedsOnce('route'));

  it('passes all checks of verify', async () => {
    const verify = await computer.run('verify');
    expectSuccess(verify);
    expect(verify.stdout).toMatch(/13 of 13 checks passed/);
  });

  it('reports a broken lab with verify in a table and an error', async () => {
    computer.world.engine.instances.get('vm-istio-external-workload')?.units.delete('istio-vms-demo');
    const verify = await computer.run('verify', 'mesh-to-vm', 'dns');
    expect(verify.exitCode).toBe(7);
    expect(verify.stdout).toMatch(/^FAIL +mesh-to-vm/m);
    expect(verify.stdout).toMatch(/^pass +dns/m);
    expect(verify.stderr).toContain('mesh-to-vm');
  });

  it('never sends a command that a tool rejects', () => expect(computer.world.refused).toEqual([]));
});
