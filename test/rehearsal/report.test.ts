import { createFixture } from 'fs-fixture';
import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Command } from '../../src/system/system.ts';
import { cli, inOneWorld } from './support/cli.ts';
import { refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
// Each test has a world of its own.
afterEach(() => vi.doUnmock('../../src/rehearsal/index.ts'));

const HOME = '/home/u/lab/.tmp/report.html';

const bars = (page: string): number => page.match(/<svg\s+class="bar"\s+role="img"/g)?.length ?? 0;
const title = (page: string): string | undefined => /<title>([^<]*)/.exec(page)?.[1];
/** Titles of the steps that came out this way. */
const steps = (page: string, outcome: string): string[] =>
  [...page.matchAll(/<details class="step (\S+)(?: critical)?">[\s\S]*?<span class="title">([^<]*)/g)].flatMap(
    ([, how, name]) => (how === outcome ? [name!] : []),
  );

describe('the picture of a run', () => {
  it('lies in TEMP_DIR after each up, readable by its owner alone, and shows that run', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    const picture = async (): Promise<string> => (await lab.files.readText(HOME)) ?? '';

    const first = await run(['up', '-o', 'json']);
    const { data } = JSON.parse(first.stdout);
    expect((await lab.files.stat(HOME))?.mode).toBe(0o600);
    expect(title(await picture())).toContain('The lab is up and verified');
    expect(bars(await picture())).toBe(data.steps.length);
    expect(steps(await picture(), 'changed')).toHaveLength(data.changed);
    expect((await picture()).match(/class="verdict"/g)).toHaveLength(data.verify.checks.length);
    // Nothing real was written, and nobody is sent there.
    expect(data).not.toHaveProperty('report');
    expect(first.stderr).not.toContain('report.html');

    await run(['up']);
    expect(title(await picture())).toContain('Everything is up to date');
    await run(['up', '--recreate', '--skip-verify']);
    expect(title(await picture())).toContain('The lab is re-created');
    expect(await picture()).toMatch(/Deleted[\s\S]*Created/);
    await run(['up', '--delete']);
    expect(title(await picture())).toContain('The lab is deleted');
  });

  it('shows every command of the run, each below the step that it was for', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    const { commands } = await run(['up']);
    const page = (await lab.files.readText(HOME))!;
    const asked = [...page.matchAll(/asked (\d+) times/g)].reduce((sum, [, times]) => sum + Number(times) - 1, 0);
    expect((page.match(/<pre class="command">/g)?.length ?? 0) + asked).toBe(commands.length);
    const inside = (id: string): string => new RegExp(`id="apply-${id}"[\\s\\S]*?</details>`).exec(page)?.[0] ?? '';
    expect(inside('worker-2')).toContain('multipass launch 22.04 --name k3s-worker-2 ');
    expect(inside('worker-2')).not.toContain('--name k3s-worker-1');
    expect(inside('istio')).toContain('istioctl-1.19.3 install');
    expect(inside('sidecar')).toContain('multipass exec -n vm-istio-external-workload');
  });

  it.each([
    ['what fails', ['--fault', 'guest-disk-full'], 'Failed', 1],
    ['tools that are not ready', ['--fault', 'daemon-down'], 'Failed', 0],
  ])('is left of %s, too', async (_what, argv, words, failed) => {
    await using home = await createFixture({});
    const file = home.getPath('there.html');
    const { code, stderr } = await cli(['up', '--rehearse', '--report', file, ...argv]);
    expect(code).not.toBe(0);
    const page = await home.readFile('there.html', 'utf8');
    expect(title(page)).toContain(words);
    expect(steps(page, 'failed')).toHaveLength(failed);
    expect(page).toMatch(/Error[\s\S]*<strong>Try:<\/strong>/);
    expect(stderr).toContain(`\nReport: ${file}\n`);
  });

  it.each([
    ['among the steps', ({ args }: Command) => args[0] === 'launch', /◼ interrupted/],
    // The proof of the health check stops the demo workload.
    ['among the proofs', ({ args }: Command) => args.includes('stop'), /class="verdict"/],
  ])('is left of an interrupt %s, with what was done until then', async (_where, isThen, expected) => {
    await using home = await createFixture({});
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    let send: () => void = () => undefined;
    let sent = false;
    const { processes } = lab.system;
    const original = processes.run.bind(processes);
    processes.run = async (command, signal) => {
      const result = await original(command, signal);
      if (!sent && isThen(command)) {
        sent = true;
        send();
      }
      return result;
    };
    const { code } = await run(['up', '--report', home.getPath('cut.html')], { onSignal: (act) => (send = act) });
    expect(code).toBe(130);
    const page = await home.readFile('cut.html', 'utf8');
    expect(title(page)).toContain('◼');
    expect(page).toMatch(expected);
  });

  it('is not touched by a run that does not begin', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    await run(['up', '--skip-verify']);
    const before = await lab.files.readText(HOME);
    const { processes } = lab.system;
    const original = processes.run.bind(processes);
    processes.run = (command, signal) => original({ ...command, file: `no-${command.file}` }, signal);
    const { code, stderr } = await run(['up']);
    expect(code).toBe(4);
    expect(stderr).not.toContain('Report:');
    expect(await lab.files.readText(HOME)).toBe(before);
  });

  it('goes to a real file when that is asked for, and says so last', async () => {
    await using home = await createFixture({});
    const file = home.getPath('pictures/run.html');
    const { code, stderr } = await cli(['up', '--rehearse', '--report', 'pictures/run.html'], { cwd: home.path });
    expect(code).toBe(0);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`Report: ${file}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(title(await home.readFile('pictures/run.html', 'utf8'))).toContain('The lab is up and verified');
    expect((await cli(['up', '--rehearse', '--quiet', '--report', file])).stderr).toBe('');
    expect(JSON.parse((await cli(['up', '--rehearse', '-o', 'json', '--report', file])).stdout).data.report).toBe(file);
  });

  it('overwrites nothing that does not sound like a picture', async () => {
    await using home = await createFixture({ 'notes.txt': 'mine' });
    const { code, stderr } = await cli(['up', '--rehearse', '--report', home.getPath('notes.txt')]);
    expect(code).toBe(2);
    expect(stderr).toContain('notes.txt.html');
    expect(await home.readFile('notes.txt', 'utf8')).toBe('mine');
  });

  it('is no reason to fail when it cannot be written', async () => {
    await using home = await createFixture({ file: '' });
    const { code, stderr } = await cli(['up', '--rehearse', '--report', home.getPath('file/below.html')]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning\s+Could not write the run report: /);
    expect(stderr).not.toContain('Report:');
  });
});
