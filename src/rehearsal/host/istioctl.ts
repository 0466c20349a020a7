import { ISTIOCTL_LOCAL } from '../durations.ts';
import type { HostCall, HostProgram, ProgramResult } from '../world.ts';
import { ApiError } from '../cluster/api-error.ts';
import { binaryOf, istioError, refused } from './istioctl/call.ts';
import { configure } from './istioctl/configure.ts';
import { install } from './istioctl/install.ts';
import { tagSet } from './istioctl/tags.ts';

const COMMANDS: readonly {
  readonly words: readonly string[];
  readonly run: (call: HostCall, version: string, args: readonly string[]) => Promise<ProgramResult>;
}[] = [
  { words: ['version'], run: version },
  { words: ['install'], run: install },
  { words: ['tag', 'set'], run: tagSet },
  { words: ['experimental', 'workload', 'entry', 'configure'], run: configure },
];

/** Simulated istioctl of the version that the file on disk stands for; supports only the calls that istio-vms makes. */
export const istioctl: HostProgram = async (call) => {
  const binary = await binaryOf(call);
  if ('problem' in binary) return binary.problem;
  const command = COMMANDS.find(({ words }) => words.every((word, index) => call.args[index] === word));
  if (command === undefined) return refused(call.args.join(' '));
  try {
    return await command.run(call, binary.version, call.args.slice(command.words.length));
  } catch (error) {
    if (error instanceof ApiError) return istioError(error.status);
    throw error;
  }
};

async function version({ world, signal }: HostCall, found: string, args: readonly string[]): Promise<ProgramResult> {
  await world.clock.sleep(ISTIOCTL_LOCAL, signal);
  if (args.join(' ') !== '--remote=false --output=json') return refused(`version ${args.join(' ')}`);
  const clientVersion = { version: found, revision: '', golang_version: '', status: 'Clean', tag: found };
  return { exitCode: 0, stdout: `${JSON.stringify({ clientVersion }, null, 2)}\n` };
}
