import { createFixture } from 'fs-fixture';
import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Command } from '../../src/system/system.ts';
import { cli, inOneWorld } from './support/cli.ts';
import { refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
// Each test uses its own world.
afterEach(() => vi.doUnmock('../../src/rehearsal/index.ts'));

const REPORT = '/home/u/lab/.tmp/report.html';

const bars = (page: string): number => page.match(/<svg\s+class="bar"\s+role="img"/g)?.length ?? 0;
const title = (page: string): string | undefined => /<title>([^<]*)/.exec(page)?.[1];
/** Titles of the steps with this outcome. */
const steps = (page: string, outcome: string): string[] =>
  [...page.matchAll(/<details class="step (\S+)(?: critical)?">[\s\S]*?<span class="title">([^<]*)/g)].flatMap(
    ([, actual, name]) => (actual === outcome ? [name!] : []),
  );

describe('the run report', () => {
  it('is written to TEMP_DIR after each up, readable by its owner only, and shows that run', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    const report = async (): Promise<string> => (await lab.files.readText(REPORT)) ?? '';

    const first = await run(['up', '-o', 'json']);
    const { data } = JSON.parse(first.stdout);
    expect((await lab.files.stat(REPORT))?.mode).toBe(0o600);
    expect(title(await report())).toContain('The lab is up and verified');
    expect(bars(await report())).toBe(data.steps.length);
    expect(steps(await report(), 'changed')).toHaveLength(data.changed);
    expect((await report()).match(/class="verdict"/g)).toHaveLength(data.verify.checks.length);
    // A rehearsal writes no real file, so it prints no path.
    expect(data).not.toHaveProperty('report');
    expect(first.stderr).not.toContain('report.html');

    await run(['up']);
    expect(title(await report())).toContain('Everything is up to date');
    await run(['up', '--recreate', '--skip-verify']);
    expect(title(await report())).toContain('The lab is re-created');
    expect(await report()).toMatch(/Deleted[\s\S]*Created/);
    await run(['up', '--delete']);
    expect(title(await report())).toContain('The lab is deleted');
  });

  it('shows every command of the run below its step', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    const { commands } = await run(['up']);
    const page = (await lab.files.readText(REPORT))!;
    const repeated = [...page.matchAll(/asked (\d+) times/g)].reduce((sum, [, times]) => sum + Number(times) - 1, 0);
    expect((page.match(/<pre class="command">/g)?.length ?? 0) + repeated).toBe(commands.length);
    const inside = (id: string): string => new RegExp(`id="apply-${id}"[\\s\\S]*?</details>`).exec(page)?.[0] ?? '';
    expect(inside('worker-2')).toContain('multipass launch 22.04 --name k3s-worker-2 ');
    expect(inside('worker-2')).not.toContain('--name k3s-worker-1');
    expect(inside('istio')).toContain('istioctl-1.19.3 install');
    expect(inside('sidecar')).toContain('multipass exec -n vm-istio-external-workload');
  });

  it.each([
    ['a failed run', ['--fault', 'guest-disk-full'], 'Failed', 1],
    ['unavailable tools', ['--fault', 'daemon-down'], 'Failed', 0],
  ])('is also written for %s', async (_what, argv, words, failed) => {
    await using home = await createFixture({});
    const file = home.getPath('run.html');
    const { code, stderr } = await cli(['up', '--rehearse', '--report', file, ...argv]);
    expect(code).not.toBe(0);
    const page = await home.readFile('run.html', 'utf8');
    expect(title(page)).toContain(words);
    expect(steps(page, 'failed')).toHaveLength(failed);
    expect(page).toMatch(/Error[\s\S]*<strong>Try:<\/strong>/);
    expect(stderr).toContain(`\nReport: ${file}\n`);
  });

  it.each([
    ['during the steps', ({ args }: Command) => args[0] === 'launch', /◼ interrupted/],
    // The health check stops the demo workload.
    ['during the checks', ({ args }: Command) => args.includes('stop'), /class="verdict"/],
  ])('is also written after an interrupt %s, with everything until then', async (_where, isMatch, expected) => {
    await using home = await createFixture({});
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    let send: () => void = () => undefined;
    let sent = false;
    const { processes } = lab.system;
    const original = processes.run.bind(processes);
    processes.run = async (command, signal) => {
      const result = await original(command, signal);
      if (!sent && isMatch(command)) {
        sent = true;
        send();
      }
      return result;
    };
    const { code } = await run(['up', '--report', home.getPath('interrupted.html')], {
      onSignal: (act) => (send = act),
    });
    expect(code).toBe(130);
    const page = await home.readFile('interrupted.html', 'utf8');
    expect(title(page)).toContain('◼');
    expect(page).toMatch(expected);
  });

  it('is not changed by a run that does not start', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    await run(['up', '--skip-verify']);
    const before = await lab.files.readText(REPORT);
    const { processes } = lab.system;
    const original = processes.run.bind(processes);
    processes.run = (command, signal) => original({ ...command, file: `no-${command.file}` }, signal);
    const { code, stderr } = await run(['up']);
    expect(code).toBe(4);
    expect(stderr).not.toContain('Report:');
    expect(await lab.files.readText(REPORT)).toBe(before);
  });

  it('is written to the file of --report, whose path is printed last', async () => {
    await using home = await createFixture({});
    const file = home.getPath('reports/run.html');
    const { code, stderr } = await cli(['up', '--rehearse', '--report', 'reports/run.html'], { cwd: home.path });
    expect(code).toBe(0);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`Report: ${file}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(title(await home.readFile('reports/run.html', 'utf8'))).toContain('The lab is up and verified');
    expect((await cli(['up', '--rehearse', '--quiet', '--report', file])).stderr).toBe('');
    expect(JSON.parse((await cli(['up', '--rehearse', '-o', 'json', '--report', file])).stdout).data.report).toBe(file);
  });

  it('does not overwrite a file without the extension .html', async () => {
    await using home = await createFixture({ 'notes.txt': 'mine' });
    const { code, stderr } = await cli(['up', '--rehearse', '--report', home.getPath('notes.txt')]);
    expect(code).toBe(2);
    expect(stderr).toContain('notes.txt.html');
    expect(await home.readFile('notes.txt', 'utf8')).toBe('mine');
  });

  it('does not fail the run when it cannot be written', async () => {
    await using home = await createFixture({ file: '' });
    const { code, stderr } = await cli(['up', '--rehearse', '--report', home.getPath('file/below.html')]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning\s+Could not write the run report: /);
    expect(stderr).not.toContain('Report:');
  });
});
