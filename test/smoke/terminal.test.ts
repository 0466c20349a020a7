import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { expectRecovery } from './evidence.ts';
import { allHaveCalled, installStubborn, programsOf, survivors } from './programs.ts';
import { CTRL_C, terminalState, NO_ECHO_MS, onTerminal } from './terminal.ts';
import type { Call } from './world-server.ts';

const isLaunch = ({ tool, args }: Call): boolean => tool === 'multipass' && args[0] === 'launch';
const RESTORED = { cursor: 'shown', line: 'whole' };

describe('a run on a terminal', () => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer();
  });
  afterEach(() => computer.remove());

  const converges = async (): Promise<void> => {
    expectRecovery(await computer.run('up', '--skip-verify', '--lock-timeout', '0'));
    expect([...computer.world.engine.instances.keys()]).toHaveLength(4);
    expect(computer.world.refused).toEqual([]);
  };

  it('restores the terminal and leaves no process when it completes', async () => {
    const terminal = onTerminal(computer, ['up', '--skip-verify']);
    expect(await terminal.done, terminal.written()).toBe(0);
    // The progress display hid the cursor meanwhile.
    expect(terminal.written()).toContain('\x1b[?25l');
    expect(terminalState(terminal.written())).toEqual(RESTORED);
    expect(await survivors(computer)).toEqual([]);
  });

  it('finishes in-flight operations on Ctrl-C, says how to resume, and restores the terminal', async () => {
    const hold = computer.hold(isLaunch);
    const terminal = onTerminal(computer, ['up']);
    await hold.reached;
    terminal.type(CTRL_C);
    await terminal.shows('press Ctrl-C again to quit now');
    await allHaveCalled(computer);
    const begun = computer.calls.filter(isLaunch).length;
    hold.release();
    expect(await terminal.done).toBe(130);
    expect(terminal.written()).toContain('Re-run the same command to resume.');
    expect(terminalState(terminal.written())).toEqual(RESTORED);
    expect(computer.calls.filter(isLaunch)).toHaveLength(begun);
    expect(await survivors(computer)).toEqual([]);
    await converges();
  });

  it('quits at once on a second Ctrl-C, restores the terminal and leaves no process', async () => {
    const hold = computer.hold(isLaunch);
    const terminal = onTerminal(computer, ['up']);
    await hold.reached;
    terminal.type(CTRL_C);
    await terminal.shows('press Ctrl-C again to quit now');
    await sleep(NO_ECHO_MS);
    terminal.type(CTRL_C);
    expect(await terminal.done).toBe(130);
    expect(terminal.written()).toContain('Aborted. Re-run the same command');
    expect(terminalState(terminal.written())).toEqual(RESTORED);
    expect(await survivors(computer)).toEqual([]);
    hold.release();
    await converges();
  });

  it('counts a Ctrl-C that npm forwards as one', async () => {
    const hold = computer.hold(isLaunch);
    const forwardSignals = `const child = require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: 'inherit' });
      process.on('SIGINT', () => child.kill('SIGINT'));
      child.on('exit', (code) => process.exit(code ?? 1));`;
    const terminal = onTerminal(computer, ['up'], [process.execPath, '-e', forwardSignals]);
    const held = await hold.reached;
    terminal.type(CTRL_C);
    await terminal.shows('press Ctrl-C again to quit now');
    await sleep(NO_ECHO_MS);
    expect(held.callerEnded).toBe(false);
    hold.release();
    expect(await terminal.done).toBe(130);
    expect(terminal.written()).not.toContain('Aborted.');
    expect(await survivors(computer)).toEqual([]);
  });

  it('finishes the current launch and leaves no process when the terminal is closed', async () => {
    const hold = computer.hold(isLaunch);
    const terminal = onTerminal(computer, ['up']);
    const held = await hold.reached;
    terminal.close();
    await terminal.done;
    await computer.waitForLog('press Ctrl-C again to quit now');
    expect(held.callerEnded).toBe(false);
    await allHaveCalled(computer);
    const begun = computer.calls.filter(isLaunch).length;
    hold.release();
    expect(await survivors(computer, 20_000)).toEqual([]);
    expect(computer.calls.filter(isLaunch)).toHaveLength(begun);
    await converges();
  });

  it('restores the terminal and leaves no process after an uncaught internal error', async () => {
    const hold = computer.hold(isLaunch);
    const bug = `if (process.argv[1].endsWith('main.js')) process.on('SIGUSR2', () => { throw new Error('planted'); });`;
    const env = { ...computer.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` };
    const terminal = onTerminal({ ...computer, env }, ['up']);
    await hold.reached;
    const cli = (await programsOf(computer)).find(
      (line) => line.includes('main.js') && !line.includes('/usr/bin/script'),
    );
    process.kill(Number(cli?.split(' ')[0]), 'SIGUSR2');
    expect(await terminal.done).not.toBe(0);
    expect(terminal.written()).toContain('planted');
    expect(terminalState(terminal.written())).toEqual(RESTORED);
    expect(await survivors(computer)).toEqual([]);
    hold.release();
  });

  it('kills programs that ignore SIGINT and SIGTERM, with their children, at once or after a grace period', async () => {
    await installStubborn(computer, 'multipass');
    for (const presses of [1, 2]) {
      const terminal = onTerminal(computer, ['status']);
      await computer.waitForFile('stubborn-programs-started');
      terminal.type(CTRL_C);
      if (presses === 2) {
        await terminal.shows('press Ctrl-C again to quit now');
        await sleep(NO_ECHO_MS);
        terminal.type(CTRL_C);
      }
      expect(await terminal.done).toBe(130);
      expect(terminalState(terminal.written())).toEqual(RESTORED);
      expect(await survivors(computer)).toEqual([]);
      expect(terminal.written().includes('Aborted.')).toBe(presses === 2);
    }
  });
});

describe('a run without a terminal', () => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer();
  });
  afterEach(() => computer.remove());

  it.each(['SIGTERM', 'SIGHUP'] as const)('handles %s as it handles Ctrl-C', async (signal) => {
    const hold = computer.hold(isLaunch);
    const cli = computer.start('up');
    const held = await hold.reached;
    cli.send(signal);
    await cli.prints('press Ctrl-C again to quit now');
    expect(held.callerEnded).toBe(false);
    hold.release();
    const run = await cli.done;
    expect(run).toMatchObject({ exitCode: 130, stdout: '' });
    expect(run.stderr).toMatch(/Re-run the same command to resume/);
    expect(await survivors(computer)).toEqual([]);
  });

  it('completes when the reader of its output goes away', async () => {
    const cli = computer.start('up', '--skip-verify', '--verbose');
    cli.closeOutput();
    expect(await cli.done).toMatchObject({ exitCode: 0 });
    expect([...computer.world.engine.instances.keys()]).toHaveLength(4);
  });
});
