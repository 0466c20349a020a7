import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { documentOf } from './evidence.ts';
import { filesIn, snapshotOf } from './snapshot.ts';

describe('a command that cannot run', () => {
  let computer: Computer;
  afterEach(() => computer.remove());

  const untouched = async (act: () => Promise<void>): Promise<void> => {
    const [world, files] = [snapshotOf(computer.world), await filesIn(computer.cwd)];
    await act();
    expect(snapshotOf(computer.world)).toEqual(world);
    expect(await filesIn(computer.cwd)).toEqual(files);
  };

  it('lists all configuration errors at once, exits with 3 and calls no tool', async () => {
    computer = await createComputer();
    await writeFile(
      join(computer.cwd, 'run.env'),
      'export WORKERS=0\nexport VM_APP="$(touch oops)"\nexport MEM_WORKER=lots\n',
    );
    await untouched(async () => {
      const up = await computer.run('up');
      expect(up).toMatchObject({ exitCode: 3, stdout: '' });
      for (const name of ['WORKERS', 'VM_APP', 'MEM_WORKER']) expect(up.stderr).toContain(name);
      const json = await computer.run('up', '--output', 'json');
      expect(documentOf(json).error).toMatchObject({ reason: 'invalid-configuration', exitCode: 3 });
    });
    expect(computer.calls).toEqual([]);
  });

  it('treats shell syntax in a value as text', async () => {
    computer = await createComputer();
    await untouched(async () => {
      const up = await computer.run('up', '--set', 'VM_NAMESPACE=a; touch oops');
      expect(up).toMatchObject({ exitCode: 3, stdout: '' });
      expect(up.stderr).toContain('VM_NAMESPACE');
    });
  });

  it('names both multipass and kubectl when both are missing, and exits with 4', async () => {
    computer = await createComputer();
    await computer.install(['docker']);
    await untouched(async () => {
      const up = await computer.run('up');
      expect(up).toMatchObject({ exitCode: 4, stdout: '' });
      expect(up.stderr).toContain('multipass');
      expect(up.stderr).toContain('kubectl');
    });
    expect(computer.calls).toEqual([]);
  });

  it('exits with 4 when the daemon does not answer', async () => {
    computer = await createComputer();
    computer.world.engine.daemonUp = false;
    await untouched(async () => {
      const up = await computer.run('up');
      expect(up, up.stderr).toMatchObject({ exitCode: 4, stdout: '' });
    });
  });

  it.each([['Running'], ['Stopped'], ['Deleted']] as const)(
    'exits with 5 when a foreign machine has one of our names (%s)',
    async (state) => {
      computer = await createComputer([{ name: 'k3s-worker-1', state }]);
      const before = (snapshotOf(computer.world) as { instances: unknown[] }).instances;
      const up = await computer.run('up');
      expect(up, up.stderr).toMatchObject({ exitCode: 5, stdout: '' });
      expect(up.stderr).toContain('k3s-worker-1');
      const down = await computer.run('up', '--delete');
      expect((snapshotOf(computer.world) as { instances: unknown[] }).instances).toEqual(before);
      expect(down.stderr + down.stdout).toContain('k3s-worker-1');
    },
  );

  it('exits with 2 for an unknown command, option or check', async () => {
    computer = await createComputer();
    for (const args of [
      ['upp'],
      ['up', '--no-such'],
      ['verify', 'no-such'],
      ['up', '--delete', '--recreate'],
      ['up', '--fault', 'daemon-down'],
    ]) {
      const ended = await computer.run(...args);
      expect(ended, args.join(' ')).toMatchObject({ exitCode: 2, stdout: '' });
      expect(ended.stderr).not.toMatch(/\n {4}at /);
    }
    expect(computer.calls).toEqual([]);
  });

  it('prints a failed tool command in a form to paste and logs all of its output', async () => {
    computer = await createComputer();
    computer.world.faults.add('cloud-init-error');
    const vm = await computer.run('vm');
    expect(vm, vm.stderr).toMatchObject({ exitCode: 5, stdout: '' });
    expect(vm.stderr).toContain('multipass exec -n vm-istio-external-workload -- cloud-init status --long');
    const path = /\S+\/\.tmp\/logs\/\S+\.log/.exec(vm.stderr)?.[0] ?? '';
    expect(await readFile(path, 'utf8')).toContain('multipass launch');
  });
});
