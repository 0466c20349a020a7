import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseEnvFile } from '../../../../src/guest/env-file.ts';
import type { Place } from './place.ts';
import { sleep, start } from './processes.ts';
import { parseUnit, type Unit, type UnitCommand } from './unit-file.ts';

export type ActiveState = 'inactive' | 'activating' | 'active' | 'deactivating';

/** A unit of a place; its commands run in the same order as in systemd. */
export interface Service {
  readonly state: () => ActiveState;
  readonly mainPid: () => number | undefined;
  /** Invocation ID of the latest start; empty before the first. */
  readonly invocation: () => string;
  /** Number of automatic restarts since the last manual start. */
  readonly restarts: () => number;
  /** Resolves to true when it is active, or to false when the start failed and an automatic restart follows. */
  start(): Promise<boolean>;
  stop(): Promise<void>;
  /** Kills all processes as a power cut does: no stop commands run. */
  cut(): Promise<void>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function createService(place: Place, name: string, log: string): Service {
  let state: ActiveState = 'inactive';
  let main: Running | undefined;
  let restarts = 0;
  /** Incremented by every start, stop and cut, so that an earlier one in progress gives up. */
  let generation = 0;

  const load = async (): Promise<Unit> =>
    parseUnit(await readFile(`${place.root}/etc/systemd/system/${name}.service`, 'utf8'));

  const environment = async (unit: Unit, invocation: string): Promise<Record<string, string>> => {
    const files = await Promise.all(unit.environmentFiles.map((path) => readFile(`${place.root}${path}`, 'utf8')));
    const own = unit.environment.map((each) => each.split(/=(.*)/s).slice(0, 2));
    const values = [...own, ...files.flatMap((text) => [...parseEnvFile(text)])];
    // systemd sets INVOCATION_ID, too; killAll() finds the processes by it.
    return { PATH, LANG: 'C.UTF-8', ...Object.fromEntries(values), INVOCATION_ID: invocation };
  };

  const exec = async (
    unit: Unit,
    command: UnitCommand,
    invocation: string,
    more: Environment = {},
  ): Promise<Running> => {
    const env: Environment = { ...(await environment(unit, invocation)), ...more };
    const { user, group } = command.privileged ? { user: 'root', group: 'root' } : unit;
    const as = ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--init-groups', '--'];
    const argv = command.argv.map((word) => word.replace(/\$\{(\w+)\}/g, (_, key: string) => env[key] ?? ''));
    const directory = ['env', '-C', unit.workingDirectory];
    const child = start([...place.enter, ...directory, ...as, ...argv], { log, env });
    const code = new Promise<number>((resolve) => {
      child.once('exit', (exit) => resolve(exit ?? 128));
      child.once('error', () => resolve(127));
    });
    return { child, code };
  };

  /** Runs the commands in order; returns false as soon as one fails. */
  const runAll = async (
    unit: Unit,
    commands: readonly UnitCommand[],
    invocation: string,
    deadline: number,
    more: Environment = {},
  ): Promise<boolean> => {
    for (const command of commands) {
      const { child, code } = await exec(unit, command, invocation, more);
      const timer = setTimeout(() => child.kill('SIGKILL'), Math.max(0, deadline - performance.now()));
      const exit = await code;
      clearTimeout(timer);
      if (exit !== 0) return false;
    }
    return true;
  };

  /** Sends SIGTERM to the main process, and SIGKILL to all others after it ends or times out (`KillMode=mixed`). */
  const end = async (unit: Unit, invocation: string): Promise<void> => {
    if (main !== undefined) {
      main.child.kill('SIGTERM');
      await Promise.race([main.code, sleep(unit.stopMs)]);
    }
    killAll(invocation);
    await main?.code;
    main = undefined;
    await runAll(unit, unit.stopPost, invocation, performance.now() + unit.stopMs);
  };

  let current: { unit: Unit; invocation: string } | undefined;
  let starting: Promise<boolean> | undefined;

  const startOnce = async (): Promise<boolean> => {
    const attempt = ++generation;
    state = 'activating';
    const unit = await load();
    const invocation = randomBytes(16).toString('hex');
    current = { unit, invocation };
    const deadline = performance.now() + unit.startMs;
    let good = await runAll(unit, unit.startPre, invocation, deadline);
    if (generation !== attempt) return false;
    if (good) {
      main = await exec(unit, unit.start, invocation);
      const { child, code } = main;
      good = await runAll(unit, unit.startPost, invocation, deadline, { MAINPID: String(child.pid) });
      if (generation !== attempt) return false;
      if (good && child.exitCode === null && child.signalCode === null) {
        state = 'active';
        void code.then(() => (generation === attempt ? failed(unit, invocation, attempt) : undefined));
        return true;
      }
    }
    await failed(unit, invocation, attempt);
    return false;
  };

  /** After a failed start or the exit of the main process: runs `ExecStopPost=`, then restarts (`Restart=always`). */
  const failed = async (unit: Unit, invocation: string, attempt: number): Promise<void> => {
    state = 'deactivating';
    await end(unit, invocation);
    if (generation !== attempt) return;
    state = 'activating';
    void sleep(unit.restartMs).then(() => {
      if (generation !== attempt) return;
      restarts += 1;
      void startOnce();
    });
  };

  return {
    state: () => state,
    mainPid: () => main?.child.pid,
    invocation: () => current?.invocation ?? '',
    restarts: () => restarts,
    start: async () => {
      if (state === 'active') return true;
      restarts = 0;
      starting ??= startOnce().finally(() => (starting = undefined));
      return starting;
    },
    stop: async () => {
      generation += 1;
      if (current !== undefined && state !== 'inactive') {
        state = 'deactivating';
        await end(current.unit, current.invocation);
      }
      state = 'inactive';
    },
    cut: async () => {
      generation += 1;
      if (current !== undefined) killAll(current.invocation);
      await main?.code;
      main = undefined;
      state = 'inactive';
    },
  };
}

type Environment = Record<string, string>;

interface Running {
  readonly child: ChildProcess;
  readonly code: Promise<number>;
}

/** Kills every process of this start, found by INVOCATION_ID since there is no cgroup. */
function killAll(invocation: string): void {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`INVOCATION_ID=${invocation}`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // The process has exited in the meantime.
    }
  }
}
