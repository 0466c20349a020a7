import { quiet } from '../../support/context.ts';
import { dirname } from 'node:path/posix';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Stage } from '../crash/world.ts';
import { HOST } from '../crash/world.ts';
import { inCommand, inFiles, inStep, multipass, type Plant } from './plant.ts';

/** A bug that somebody may make one day, and what the harness must say to it. */
export interface Mutant extends Plant {
  readonly name: string;
  /** What is lived through, undisturbed or cut at the first moment that bears this name. */
  readonly scenario: string;
  readonly dies?: RegExp;
  readonly stage?: Stage;
  /** The line by which it is caught. */
  readonly caught: RegExp;
}

const ARM: Stage = { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] };
const KUBECONFIG = '/home/u/lab/.data/.kubeconfig';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a step whose check lies: there is a gateway, so it is right',
    scenario: 'up',
    dies: /during {2}kubectl apply: 1 of \d+ objects/,
    steps: inStep('sample', (step) => ({ ...step, check: async () => 'ready' })),
    caught: /sample.*is missing|not proved: .*sample/,
  },
  {
    name: 'a step that trusts its own note, and is not resumed',
    scenario: 'up',
    dies: /during {2}place k3s-worker-1/,
    steps: inStep('k3s-agent-1', (step, { system: { files } }) => ({
      ...step,
      check: async (context) =>
        (await files.stat('/home/u/lab/.data/joined')) === undefined ? step.check(context) : 'ready',
      apply: async (context) => {
        await files.write('/home/u/lab/.data/joined', 'yes\n');
        await step.apply(context);
      },
    })),
    caught: /no node k3s-worker-1|Timed out waiting|not proved|object nodes \/k3s-worker-1: is missing/,
  },
  {
    name: 'a write that is not atomic: a copy in place of a rename',
    scenario: 'up',
    dies: /after {3}write .*\.bin\/istioctl-/,
    system: inFiles((files) => ({
      rename: async (from, to) => {
        const bytes = await files.read(from).catch(() => undefined);
        if (bytes === undefined) return files.rename(from, to);
        await files.write(to, bytes.subarray(0, bytes.length / 2), 0o755);
        await files.write(to, bytes, 0o755);
        await files.remove(from);
      },
    })),
    caught: /istioctl-1\.19\.3 ended with exit code 126/,
  },
  {
    name: 'a delete that purges what others have deleted',
    scenario: 'delete, delete',
    system: inCommand(multipass('delete', '--purge'), async (command, { processes }) => {
      await processes.run({ ...command, args: ['delete', command.args[2] ?? ''] }, quiet);
      return processes.run({ ...command, args: ['purge'] }, quiet);
    }),
    caught: /machine in-the-bin.*is missing/,
  },
  {
    name: 'a foreign machine deleted to make room',
    scenario: 'up',
    system: inCommand(multipass('launch', 'k3s-master'), async (command, { processes }) => {
      await processes.run({ ...command, args: ['delete', '--purge', 'theirs'] }, quiet);
      return processes.run(command, quiet);
    }),
    caught: /machine theirs.*is missing/,
  },
  {
    name: 'a machine that is not removed',
    scenario: 'delete, delete',
    steps: inStep('worker-2', (step) => ({ ...step, remove: async () => 'removed' })),
    caught: /machine k3s-worker-2: should not be there/,
  },
  {
    name: 'a launch taken twice, the second under another name',
    scenario: 'up',
    system: inCommand(multipass('launch', 'k3s-worker-1'), async (command, { processes }) => {
      const args = command.args.map((arg) => (arg === 'k3s-worker-1' ? 'k3s-worker-1b' : arg));
      const [launched] = await Promise.all([processes.run(command, quiet), processes.run({ ...command, args }, quiet)]);
      return launched;
    }),
    caught: /machine k3s-worker-1b: should not be there/,
  },
  {
    name: 'a wait without a deadline',
    scenario: 'up',
    steps: inStep('route', (step, { system }) => ({
      ...step,
      apply: async (context) => {
        while ((await system.files.stat('/never')) === undefined) await system.clock.sleep(60_000, context.signal);
      },
    })),
    caught: /something waits without a deadline/,
  },
  {
    name: 'a retry without an end',
    scenario: 'up',
    steps: inStep('route', (step, { system }) => ({
      ...step,
      apply: async (context) => {
        for (;;) {
          try {
            await system.processes.run({ file: 'not-there', args: [], effect: 'write', timeoutMs: 60_000 }, quiet);
            return;
          } catch {
            await system.clock.sleep(60_000, context.signal);
          }
        }
      },
    })),
    caught: /something waits without a deadline/,
  },
  {
    name: 'a container that leaks',
    scenario: 'up without a package',
    stage: ARM,
    system: inCommand(
      ({ file, args }) => file === 'docker' && args[0] === 'rm',
      async (command) => ({
        exitCode: 0,
        stdout: '',
        stderr: '',
        stdoutBytes: new Uint8Array(),
        durationMs: Number(command.timeoutMs),
      }),
    ),
    caught: /container istio-vms-/,
  },
  {
    name: 'a secret that others can read, for a while',
    scenario: 'up',
    dies: /before {2}rename .*workload-files/,
    steps: inStep('workload', (step, { system: { files } }) => ({
      ...step,
      apply: async (context) => {
        const copy = '/home/u/lab/token';
        await files.write(copy, `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ2bSJ9.c2lnbmF0dXJl`);
        await step.apply(context);
        await files.remove(copy);
      },
    })),
    caught: /a secret lies open after the crash: host file \/home\/u\/lab\/token \(644\)/,
  },
  {
    name: "the user's own kubeconfig overwritten",
    scenario: 'up',
    system: inFiles((files) => ({
      write: async (path, content, mode) => {
        await files.write(path, content, mode);
        if (path === KUBECONFIG) await files.write('/home/u/.kube/config', content, mode);
      },
    })),
    caught: /host \/home\/u\/\.kube\/config: is/,
  },
  {
    name: 'a lock that is only a file, and outlives its program',
    scenario: 'up',
    dies: /after {3}mkdir|before {2}multipass launch/,
    system: inFiles((files) => ({
      lock: async (path, holder) => {
        if ((await files.stat(path)) !== undefined) return { heldBy: undefined };
        return files.lock(path, holder);
      },
    })),
    caught: /Timed out waiting for the lock/,
  },
  {
    name: 'a half-made file that stays beside its place',
    scenario: 'up',
    system: inFiles((files) => ({
      rename: async (from, to) => {
        await files.rename(from, to);
        await files.write(`${dirname(to)}/.${to.slice(to.lastIndexOf('/') + 1)}.tmp`, 'half');
      },
    })),
    caught: /left behind: host file/,
  },
  {
    name: 'a run that always does something',
    scenario: 'up',
    steps: inStep('route', (step) => {
      let looks = 0;
      return { ...step, check: async (context) => (looks++ === 0 ? { drifted: 'to be sure' } : step.check(context)) };
    }),
    caught: /one more run was not idle: .*/,
  },
  {
    name: 'a failure taken for success',
    scenario: 'up',
    system: inCommand(
      ({ args }) => args[0] === 'install',
      async (command, { processes }) => {
        try {
          return await processes.run({ ...command, timeoutMs: 5_000 }, quiet);
        } catch (error) {
          if (error instanceof CommandError) return { ...error.result, exitCode: 0 };
          throw error;
        }
      },
    ),
    caught: /Timed out waiting for the rollout of istiod/,
  },
];
