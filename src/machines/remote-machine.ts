import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { Command, CommandResult, Cpu, Files } from '../system/system.ts';
import { explain } from '../system/explain.ts';
import type { Machine } from './machine.ts';
import { putFiles, type PlaceScript } from './put.ts';

/** What an engine brings; the rest of a machine is the same everywhere. */
export interface RemoteMachineParts {
  readonly name: string;
  /** Runs on the machine as its ordinary user. @throws CommandError */
  run(command: Command, signal?: AbortSignal): Promise<CommandResult>;
  address(): Promise<string>;
  readonly files: Pick<Files, 'stat'>;
  readonly place: PlaceScript;
}

const CPUS: Readonly<Record<string, Cpu>> = { x86_64: 'amd64', aarch64: 'arm64', arm64: 'arm64' };

/** A machine out of an engine's way to run commands on it. */
export function createRemoteMachine(parts: RemoteMachineParts): Machine {
  let arch: Promise<Cpu> | undefined;
  return {
    name: parts.name,
    run: (command, signal) => parts.run(command, signal),
    address: () => parts.address(),
    arch: () => {
      arch ??= askArch(parts).catch((thrown: unknown) => {
        arch = undefined;
        throw thrown instanceof CommandError ? explain(thrown) : thrown;
      });
      return arch;
    },
    put: (files, script, options) => putFiles(parts, files, script, options),
  };
}

async function askArch(parts: RemoteMachineParts): Promise<Cpu> {
  const { stdout } = await parts.run({ file: 'uname', args: ['-m'], effect: 'read' });
  const cpu = CPUS[stdout.trim()];
  if (cpu !== undefined) return cpu;
  throw new CliError('wrong-architecture', {
    message: `The machine ${parts.name} has a CPU that Istio is not made for: ${stdout.trim()}.`,
    hint: 'Use machines with amd64 or arm64.',
  });
}
