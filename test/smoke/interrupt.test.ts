import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer, type RunningCli } from './computer.ts';
import { expectRecovery, expectSuccess } from './evidence.ts';
import { allHaveCalled, installRefusing, survivors } from './programs.ts';
import { NO_ECHO_MS } from './terminal.ts';
import type { Call } from './world-server.ts';

describe('Ctrl-C', () => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer();
  });
  afterEach(() => computer.remove());

  const launches = (): Call[] => computer.calls.filter(isLaunch);
  const converges = async (): Promise<void> => {
    expectRecovery(await computer.run('up', '--skip-verify'));
    expectSuccess(await computer.run('verify', 'nodes', 'registration', 'mesh-to-vm'));
    expect([...computer.world.engine.instances.keys()]).toHaveLength(4);
    expect(computer.world.refused).toEqual([]);
  };

  it('lets a launch finish, starts nothing new, and says how to resume', async () => {
    const hold = computer.hold(isLaunch);
    const cli = computer.start('up');
    const held = await hold.reached;
    cli.ctrlC();
    await cli.prints('press Ctrl-C again to quit now');
    // The CLI waits for the launch, because a complete machine is easier to resume from than a partial one.
    expect(await Promise.race([cli.done, sleep(1_000, 'still running')])).toBe('still running');
    expect(held.callerEnded).toBe(false);
    await allHaveCalled(computer);
    const begun = launches().length;
    hold.release();

    const up = await cli.done;
    expect(up, up.stderr).toMatchObject({ exitCode: 130, stdout: '' });
    expect(up.stderr).toMatch(/Re-run the same command to resume/);
    expect(launches()).toHaveLength(begun);
    expect(await survivors(computer)).toEqual([]);
    await converges();
  });

  it('quits at once when pressed twice and leaves no process, and the next run uses the machine that the daemon was creating', async () => {
    const hold = computer.hold(isLaunch);
    const cli = computer.start('up');
    await hold.reached;
    await computer.stopTime();
    hold.release(); // the daemon has the request, but does not complete it while time is stopped
    cli.ctrlC();
    await cli.prints('press Ctrl-C again to quit now');
    await sleep(NO_ECHO_MS);
    cli.ctrlC();
    const up = await cli.done;
    expect(up, up.stderr).toMatchObject({ exitCode: 130, stdout: '' });
    expect(up.stderr).toContain('Aborted. Re-run the same command');
    expect(await survivors(computer)).toEqual([]);
    computer.resumeTime();
    await converges();
  });

  it('ends a command that only reads', async () => {
    const hold = computer.hold(({ args }) => args.includes('--raw=/readyz'));
    const cli = computer.start('k3s');
    const held = await hold.reached;
    cli.ctrlC();
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    await expect.poll(() => held.callerEnded).toBe(true);
    hold.release();
    await converges();
  });

  describe('while the API refuses connections', () => {
    /** Runs the command until kubectl has been refused twice, presses Ctrl-C, and expects it to end within a second. */
    const interruptRetry = async (...command: readonly string[]): Promise<void> => {
      await installRefusing(computer, 'kubectl');
      const cli = computer.start(...command);
      await computer.waitForFile('refused-2');
      await endsWithin(1_000, cli, computer);
      expect(await survivors(computer, 0)).toEqual([]);
    };

    it.each([['up'], ['verify']])('ends %s within a second', async (command) => {
      await computer.run('up', '--skip-verify');
      await interruptRetry(command);
    });
  });

  it.each([
    { command: 'verify', tool: 'istioctl', word: 'version' },
    { command: 'status', tool: 'kubectl', word: 'get' },
    { command: 'verify', tool: 'kubectl', word: 'get' },
  ])('ends $command within a second while $tool $word hangs', async ({ command, tool, word }) => {
    await computer.run('up', '--skip-verify');
    const hold = computer.hold((call) => call.tool === tool && call.args.includes(word));
    const cli = computer.start(command);
    const held = await hold.reached;
    await allHaveCalled(computer);
    await endsWithin(1_000, cli, computer);
    await expect.poll(() => held.callerEnded).toBe(true);
    expect(await survivors(computer, 0)).toEqual([]);
    hold.release();
  });

  it.each([
    { command: ['bundle', 'create', '--cpu', 'amd64'], word: 'pull' },
    { command: ['bundle', 'create', '--cpu', 'amd64'], word: 'save' },
    { command: ['arm64-patch'], word: 'create' },
    { command: ['arm64-patch'], word: 'export' },
  ])('ends $command.0 within a second while docker $word hangs, and the next run finishes it', async (row) => {
    const hold = computer.hold(({ tool, args }) => tool === 'docker' && args[0] === row.word);
    const cli = computer.start(...row.command);
    await hold.reached;
    await allHaveCalled(computer);
    await endsWithin(1_000, cli, computer);
    expect(await survivors(computer, 0)).toEqual([]);
    hold.release();
    expect(await leftIn(computer.cwd)).toEqual([]);
    expect(computer.world.containers.size).toBe(0);
    expectSuccess(await computer.run(...row.command));
    expect(await leftIn(computer.cwd)).toEqual([]);
  });

  it.each([
    { tool: 'istioctl', word: 'install' },
    { tool: 'kubectl', word: 'apply' },
  ])('ends $tool $word at once, because it can be repeated', async ({ tool, word }) => {
    const hold = computer.hold((call) => call.tool === tool && call.args.includes(word));
    const cli = computer.start('up', '--skip-verify');
    const held = await hold.reached;
    await allHaveCalled(computer);
    cli.ctrlC();
    await expect.poll(() => held.callerEnded).toBe(true);
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    expect(await survivors(computer, 0)).toEqual([]);
    hold.release();
    await converges();
  });

  it.each([
    { command: 'status', tool: 'multipass', word: 'list' },
    { command: 'status', tool: 'kubectl', word: 'version' },
    { command: 'arm64-patch', tool: 'docker', word: 'version' },
  ])('ends $command at once while $tool $word hangs, and starts no other command', async ({ command, tool, word }) => {
    const hold = computer.hold((call) => call.tool === tool && call.args.includes(word));
    const cli = computer.start(command);
    const held = await hold.reached;
    await allHaveCalled(computer);
    const begun = computer.calls.length;
    cli.ctrlC();
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    expect(computer.calls).toHaveLength(begun);
    await expect.poll(() => held.callerEnded).toBe(true);
    hold.release();
  });

  it('restarts the demo workload when it interrupts a check that stopped it', async () => {
    await computer.run('up', '--skip-verify');
    const demo = computer.world.engine.instances.get('vm-istio-external-workload')?.units.get('istio-vms-demo');
    expect(demo?.active).toBe('active');
    const hold = computer.hold(({ args }) => args.includes('systemctl') && args.includes('stop'));
    const cli = computer.start('verify', 'health');
    await hold.reached;
    cli.ctrlC();
    await cli.prints('press Ctrl-C again to quit now');
    hold.release();
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    expect(demo?.active).toBe('active');
  });
});

/** Typical start-up time of the CLI on an idle computer, in milliseconds. */
const IDLE_START_MS = 500;

/**
 * Presses Ctrl-C and expects exit code 130 within this time, which is scaled up on a busy computer by how much longer the
 * CLI takes to start there.
 */
async function endsWithin(ms: number, cli: RunningCli, computer: Computer): Promise<void> {
  const startedAt = performance.now();
  await computer.run('--version');
  const limit = ms * Math.max(1, (performance.now() - startedAt) / IDLE_START_MS);
  const pressedAt = performance.now();
  cli.ctrlC();
  const run = await cli.done;
  expect(run, run.stderr).toMatchObject({ exitCode: 130 });
  expect(performance.now() - pressedAt, run.stderr).toBeLessThan(limit);
}

/** Files that no run may leave: archives in the temporary directory, and temporary files. Complete binaries may stay. */
async function leftIn(cwd: string): Promise<string[]> {
  const names = await readdir(cwd, { recursive: true });
  return names.filter(
    (name) =>
      /^\.tmp\/(?!logs|istio-proxy-[^/]*-arm64(?:\/|$))/.test(name) || /-[0-9a-f]+\.(tmp|part)$|\.new$/.test(name),
  );
}

function isLaunch({ tool, args }: Call): boolean {
  return tool === 'multipass' && args[0] === 'launch';
}
