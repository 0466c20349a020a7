import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { expectRecovery, expectSuccess } from './evidence.ts';
import { allHaveCalled, survivors } from './programs.ts';
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
    await cli.says('press Ctrl-C again to quit now');
    // A launch that is cut is harder to go on from than one that is whole: it is waited for.
    expect(await Promise.race([cli.done, sleep(1_000, 'still there')])).toBe('still there');
    expect(held.gone).toBe(false);
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

  it('quits at once when pressed twice and leaves no process, and the next run finds what the daemon had begun', async () => {
    const hold = computer.hold(isLaunch);
    const cli = computer.start('up');
    await hold.reached;
    await computer.timeStops();
    hold.release(); // the daemon has it now, and has not done it
    cli.ctrlC();
    await cli.says('press Ctrl-C again to quit now');
    await sleep(NO_ECHO_MS);
    cli.ctrlC();
    const up = await cli.done;
    expect(up, up.stderr).toMatchObject({ exitCode: 130, stdout: '' });
    expect(up.stderr).toContain('Aborted. Re-run the same command');
    expect(await survivors(computer)).toEqual([]);
    computer.timeGoesOn();
    await converges();
  });

  it('ends a command that only reads', async () => {
    const hold = computer.hold(({ args }) => args.includes('--raw=/readyz'));
    const cli = computer.start('k3s');
    const held = await hold.reached;
    cli.ctrlC();
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    await expect.poll(() => held.gone).toBe(true);
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
    await expect.poll(() => held.gone).toBe(true);
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
    await cli.says('press Ctrl-C again to quit now');
    hold.release();
    expect(await cli.done).toMatchObject({ exitCode: 130 });
    expect(demo?.active).toBe('active');
  });
});

function isLaunch({ tool, args }: Call): boolean {
  return tool === 'multipass' && args[0] === 'launch';
}
