import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addInstance } from '../../src/rehearsal/state.ts';
import { createComputer, type Computer } from './computer.ts';

const MAIN = fileURLToPath(new URL('../acceptance/e2e/main.ts', import.meta.url));
const TSX = import.meta.resolve('tsx');
const FOREIGN = [
  { name: 'primary', state: 'Running' },
  { name: 'old-experiment', state: 'Deleted' },
] as const;

// Runs the end-to-end script, which is meant for real tools, against the stand-ins, so that both its success and its failure are tested.
describe('npm run e2e', { timeout: 400_000 }, () => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer(FOREIGN);
  });
  afterEach(() => computer.remove());

  const e2e = async (env: Readonly<Record<string, string>> = {}, ...args: readonly string[]) => {
    const child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
      cwd: computer.cwd,
      env: { ...computer.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: code as number | null, stdout, stderr };
  };
  const reportOf = async () => {
    const report = await readFile(join(computer.cwd, 'e2e-report', 'report.json'), 'utf8');
    return JSON.parse(report) as { ok: boolean; stages: { id: string; outcome: string; evidence: string }[] };
  };
  const outcomes = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await reportOf()).stages.map(({ id, outcome }) => [id, outcome]));

  it('runs a lab from creation to deletion under its own names and writes a report', async () => {
    const run = await e2e({ NODE_PREFIX: 'mine', WORKLOAD_VM_NAME: 'my-vm', WORKERS: '1' });
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: '12 passed, 0 failed, 5 skipped\n' });
    expect((await reportOf()).ok).toBe(true);
    expect(await readFile(join(computer.cwd, 'e2e-report', 'report.md'), 'utf8')).toContain('`NODE_PREFIX=mine`');
    const launched = computer.calls.filter(({ args }) => args[0] === 'launch').map(({ args }) => args[3]);
    expect(launched.sort()).toEqual(['mine-master', 'mine-worker-1', 'my-vm']);
    expect([...computer.world.engine.instances.keys()].sort()).toEqual(FOREIGN.map(({ name }) => name).sort());
    expect(computer.world.refused).toEqual([]);
  });

  it('checks what a failed `up` has left, stops there, and deletes what was created', async () => {
    const run = await e2e({ ARTIFACTS_URL: 'http://127.0.0.1:1', WORKERS: '1' });
    expect(run.code).toBe(1);
    expect(run.stdout).toBe('2 passed, 2 failed, 13 skipped\n');
    expect(await outcomes()).toMatchObject({
      up: 'failed',
      'verify-all': 'failed',
      'up-again': 'skipped',
      delete: 'passed',
      'nothing-left': 'passed',
    });
    expect(run.stderr).toMatch(/failed +up makes the lab.*127\.0\.0\.1:1/);
    expect([...computer.world.engine.instances.keys()].sort()).toEqual(FOREIGN.map(({ name }) => name).sort());
  });

  it('does not touch an existing lab', async () => {
    addInstance(computer.world, { name: 'k3s-master' });
    const run = await e2e();
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('k3s-master');
    expect(computer.calls.map(({ args }) => args[0])).toEqual(['list']);
  });
});
