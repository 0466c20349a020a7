import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { PROJECT } from '../support/names.ts';

const COMMAND_MS = 60_000;

/** Root access to a machine that does not depend on the machine's network (docs/facts/incus.md 2.1). */
export interface Guest {
  readonly name: string;
  /** Runs a shell script as root and returns its stdout. @throws with its output when it fails */
  readonly sh: (script: string, ...args: readonly string[]) => Promise<string>;
  /** Runs a shell script as root and returns whether it succeeded. */
  readonly succeeds: (script: string) => Promise<boolean>;
  /** Waits until the script succeeds. @throws after `seconds`, with the output of the script `why` */
  readonly until: (script: string, seconds: number, why?: string) => Promise<void>;
  /** Restarts the machine and waits until it is up again. */
  readonly reboot: () => Promise<void>;
}

export function createGuest(name: string): Guest {
  const incus = (args: readonly string[], reject: boolean, input?: string) =>
    execa('incus', args, {
      reject,
      timeout: COMMAND_MS,
      env: { LC_ALL: 'C.UTF-8' },
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    });
  const exec = (script: string, reject: boolean, args: readonly string[] = []) =>
    incus(
      [
        'exec',
        '--quiet',
        '--project',
        PROJECT,
        name,
        '--mode',
        'non-interactive',
        '--',
        'sh',
        '-c',
        script,
        'sh',
        ...args,
      ],
      reject,
    );
  const succeeds = async (script: string): Promise<boolean> => (await exec(script, false)).exitCode === 0;

  const until: Guest['until'] = async (script, seconds, why = 'true') => {
    const deadline = Date.now() + seconds * 1000;
    while (!(await succeeds(script))) {
      if (Date.now() > deadline)
        throw new Error(`not within ${seconds} s: ${script}\n${(await exec(why, false)).stdout}`);
      await sleep(300);
    }
  };

  return {
    name,
    sh: async (script, ...args) => (await exec(script, true, args)).stdout,
    succeeds,
    until,
    reboot: async () => {
      const boot = 'cat /proc/1/stat | cut -d " " -f 22';
      const before = (await exec(boot, true)).stdout;
      await incus(['restart', '--quiet', '--project', PROJECT, name, '--timeout', '20'], true);
      await until(`[ "$(${boot})" != '${before}' ] && systemctl is-system-running | grep -Eq 'running|degraded'`, 90);
    },
  };
}
