import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import type { Machine } from '../machines/machine.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import { CommandError } from '../system/command-error.ts';

/** Runs something on the VM. A failure is returned as a sentence, because a check reports it as evidence. */
export async function onVm<T>(
  lab: WorkloadLab,
  work: (machine: Machine) => Promise<T>,
  context: Context,
): Promise<T | string> {
  try {
    return await work(await runningVm(lab, context));
  } catch (error) {
    return asSentence(error);
  }
}

/**
 * The workload VM, if it runs: a command would start one that is stopped (docs/facts/multipass.md 1.2). @throws
 * CliError `machine-failed`
 */
export async function runningVm(lab: WorkloadLab, context: Context): Promise<Machine> {
  const { name } = lab.workload;
  const found = await lab.machines.find(name, context);
  // The engine itself waits for a machine that is starting.
  if (found?.state === 'running' || found?.state === 'starting') return lab.engine.machine(name);
  throw new CliError('machine-failed', {
    message: found === undefined ? `there is no machine ${name}` : `${name} is ${found.state}`,
    hint: 'istio-vms up',
  });
}

/** The last line of a failed command's stderr, or the error's own sentence. */
export function asSentence(error: unknown): string {
  if (error instanceof CommandError) return lastStderrLine(error.result.stderr) ?? error.message;
  if (error instanceof CliError) return lastStderrLine(error.facts.stderrTail ?? '') ?? error.message;
  throw error;
}

/** The last informative line: kubectl adds one that only repeats the exit code. */
function lastStderrLine(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('command terminated with'));
  return lines.at(-1)?.trim();
}
