import { quiet } from '../../support/context.ts';
import { dirname } from 'node:path/posix';
import { CommandError } from '../../../src/system/command-error.ts';
import type { WorldOptions } from '../crash/world.ts';
import { HOST } from '../crash/world.ts';
import { inCommand, inFiles, inStep, multipass, type Plant } from './plant.ts';

/** A plausible bug, and what the harness must report for it. */
export interface Mutant extends Plant {
  readonly name: string;
  readonly scenario: string;
  /** The run is killed at the first kill point whose name matches; absent: it is not killed. */
  readonly killAt?: RegExp;
  readonly worldOptions?: WorldOptions;
  /** Matches a problem that the harness reports. */
  readonly expected: RegExp;
}

const ARM: WorldOptions = { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] };
const KUBECONFIG = '/home/u/lab/.data/.kubeconfig';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a step whose check always reports ready',
    scenario: 'up',
    killAt: /during {2}kubectl apply: 1 of \d+ objects/,
    steps: inStep('sample', (step) => ({ ...step, check: async () => 'ready' })),
    expected: /sample.*is missing|check failed: .*sample/,
  },
  {
    name: 'a step that trusts a marker file and is not resumed',
    scenario: 'up',
    killAt: /during {2}place k3s-worker-1/,
    steps: inStep('k3s-agent-1', (step, { system: { files } }) => ({
      ...step,
      check: async (context) =>
        (await files.stat('/home/u/lab/.data/joined')) === undefined ? step.check(context) : 'ready',
      apply: async (context) => {
        await files.write('/home/u/lab/.data/joined', 'yes\n');
        await step.apply(context);
      },
    })),
    expected: /no node k3s-worker-1|Timed out waiting|check failed|object nodes \/k3s-worker-1: is missing/,
  },
  {
    name: 'a write that is not atomic: a copy instead of a rename',
    scenario: 'up',
    killAt: /after {3}write .*\.bin\/istioctl-/,
    system: inFiles((files) => ({
      rename: async (from, to) => {
        const bytes = await files.read(from).catch(() => undefined);
        if (bytes === undefined) return files.rename(from, to);
        await files.write(to, bytes.subarray(0, bytes.length / 2), 0o755);
        await files.write(to, bytes, 0o755);
        await files.remove(from);
      },
    })),
    expected: /istioctl-1\.19\.3 ended with exit code 126/,
  },
  {
    name: 'a delete that purges foreign soft-deleted machines',
    scenario: 'delete, delete',
    system: inCommand(multipass('delete', '--purge'), async (command, { processes }) => {
      await processes.run({ ...command, args: ['delete', command.args[2] ?? ''] }, quiet);
      return processes.run({ ...command, args: ['purge'] }, quiet);
    }),
    expected: /machine foreign-deleted.*is missing/,
  },
  {
    name: 'a launch that deletes a foreign machine',
    scenario: 'up',
    system: inCommand(multipass('launch', 'k3s-master'), async (command, { processes }) => {
      await processes.run({ ...command, args: ['delete', '--purge', 'foreign'] }, quiet);
      return processes.run(command, quiet);
    }),
    expected: /machine foreign.*is missing/,
  },
  {
    name: 'a machine that is not deleted',
    scenario: 'delete, delete',
    steps: inStep('worker-2', (step) => ({ ...step, remove: async () => 'removed' })),
    expected: /machine k3s-worker-2: should not be there/,
  },
  {
    name: 'a launch that is repeated under another name',
    scenario: 'up',
    system: inCommand(multipass('launch', 'k3s-worker-1'), async (command, { processes }) => {
      const args = command.args.map((arg) => (arg === 'k3s-worker-1' ? 'k3s-worker-1b' : arg));
      const [launched] = await Promise.all([processes.run(command, quiet), processes.run({ ...command, args }, quiet)]);
      return launched;
    }),
    expected: /machine k3s-worker-1b: should not be there/,
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
    expected: /something waits without a deadline/,
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
    expected: /something waits without a deadline/,
  },
  {
    name: 'a container that is not removed',
    scenario: 'up without a package',
    worldOptions: ARM,
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
    expected: /container istio-vms-/,
  },
  {
    name: 'a secret that other users can read for a while',
    scenario: 'up',
    killAt: /before {2}rename .*workload-files/,
    steps: inStep('workload', (step, { system: { files } }) => ({
      ...step,
      apply: async (context) => {
        const copy = '/home/u/lab/token';
        await files.write(copy, `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ2bSJ9.c2lnbmF0dXJl`);
        await step.apply(context);
        await files.remove(copy);
      },
    })),
    expected: /a secret is readable after the kill: host file \/home\/u\/lab\/token \(644\)/,
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
    expected: /host \/home\/u\/\.kube\/config: is/,
  },
  {
    name: 'a lock that is only a file and is not released on a kill',
    scenario: 'up',
    killAt: /after {3}mkdir|before {2}multipass launch/,
    system: inFiles((files) => ({
      lock: async (path, holder) => {
        if ((await files.stat(path)) !== undefined) return { heldBy: undefined };
        return files.lock(path, holder);
      },
    })),
    expected: /Timed out waiting for the lock/,
  },
  {
    name: 'a temporary file that is not removed',
    scenario: 'up',
    system: inFiles((files) => ({
      rename: async (from, to) => {
        await files.rename(from, to);
        await files.write(`${dirname(to)}/.${to.slice(to.lastIndexOf('/') + 1)}.tmp`, 'half');
      },
    })),
    expected: /left behind: host file/,
  },
  {
    name: 'a step that always reports drift',
    scenario: 'up',
    steps: inStep('route', (step) => {
      let checks = 0;
      return { ...step, check: async (context) => (checks++ === 0 ? { drifted: 'to be sure' } : step.check(context)) };
    }),
    expected: /one more run wrote something: .*/,
  },
  {
    name: 'a failed command that is taken for a success',
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
    expected: /Timed out waiting for the rollout of istiod/,
  },
];
