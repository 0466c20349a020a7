import { quiet } from '../../../support/context.ts';
import { MARKER } from '../../../../src/machines/ownership.ts';
import { withoutMark } from '../../../../src/machines/multipass/session.ts';
import { SHIM } from '../../../../src/machines/multipass/argv.ts';
import { loadShippedData, type ShippedData } from '../../../../src/system/shipped.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import type { Command, CommandResult, Host } from '../../../../src/system/system.ts';
import { packTar, type TarEntry } from '../../../../src/system/archives.ts';
import { createFiles } from '../../../../src/rehearsal/files.ts';
import { multipass } from '../../../../src/rehearsal/engines/multipass/index.ts';
import { createMesh } from '../../../../src/rehearsal/mesh/index.ts';
import { createProcesses } from '../../../../src/rehearsal/processes.ts';
import { addInstance, createWorld, type WorldOptions } from '../../../../src/rehearsal/state.ts';
import type { HostProgram, Instance, Mesh } from '../../../../src/rehearsal/world.ts';

export const HOST: Host = { platform: 'linux', cpu: 'amd64', cwd: '/home/u/lab', home: '/home/u', env: {} };

const LAB = 'mylab';

export const shipped: ShippedData = await loadShippedData();

interface RigOptions extends Partial<WorldOptions> {
  readonly programs?: Readonly<Record<string, HostProgram>>;
  readonly mesh?: Partial<Mesh>;
}

/** A simulated world with only the engine, and functions that run commands in virtual time. */
export function rig({ programs, mesh: overrides, ...options }: RigOptions = {}) {
  const world = createWorld({ host: HOST, shipped, ...options });
  const mesh = { ...createMesh(world), ...overrides };
  const files = createFiles();
  const processes = createProcesses({ world, mesh, files, programs: programs ?? { multipass } });

  /** The result of a command, even if it failed; `failure` is the kind of failure. */
  const run = (command: Command, signal = quiet.signal): Promise<CommandResult & { failure?: string }> =>
    world.clock.drive(
      processes.run(command, { ...quiet, signal }).catch((error: unknown) => {
        if (error instanceof CommandError) return { ...error.result, failure: error.failure };
        throw error;
      }),
    );

  const mp = (args: readonly string[], stdin?: string | Uint8Array, timeoutMs = 3_600_000) =>
    run({ file: 'multipass', args, effect: 'write', timeoutMs, ...(stdin === undefined ? {} : { stdin }) });

  /** Runs a command like the engine; stdout is without the byte that marks its start. */
  const exec = async (name: string, argv: readonly string[], stdin?: string | Uint8Array, timeoutMs = 3_600_000) => {
    const result = await mp(['exec', '-n', name, '--', 'sh', '-c', SHIM, 'sh', '3600', ...argv], stdin, timeoutMs);
    return withoutMark(result) as typeof result;
  };

  /** Like `Machine.put`: files, then a shipped script, in one call. */
  const put = async (
    name: string,
    files: readonly PlacedFile[],
    script?: string,
    args: readonly string[] = [],
    timeoutMs?: number,
  ) => {
    const manifest = files
      .map(({ path, mode = '0644', owner = 'root' }) => `${mode}\t${owner}\t${owner}\t${path}\n`)
      .join('');
    const entries: TarEntry[] = [
      { name: 'manifest', content: manifest, mode: 0o600 },
      ...files.map(({ path, content }) => ({ name: `files${path}`, content, mode: 0o600 })),
    ];
    if (script !== undefined) entries.push({ name: 'then.sh', content: guestText(script), mode: 0o600 });
    const argv = ['sudo', 'sh', '-c', guestText('place.sh'), 'istio-vms-place', MARKER, LAB, ...args];
    return exec(name, argv, await packTar(entries), timeoutMs);
  };

  /** A machine that is marked as part of the lab. */
  const machine = (name: string, spec: Partial<Instance> = {}): Instance => {
    const instance = addInstance(world, { name, ...spec });
    instance.files.set(MARKER, { content: `${LAB}\n`, mode: 0o644, owner: 'root', group: 'root' });
    return instance;
  };

  return { world, mesh, files, processes, run, mp, exec, put, machine };
}

export interface PlacedFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode?: string;
  readonly owner?: string;
}

/** Text of a shipped guest file. */
export function guestText(name: string): string {
  const text = shipped.guest[name];
  if (text === undefined) throw new Error(`data/guest/${name} is missing`);
  return text;
}

/** The part of the output of `info` about one machine. */
export function infoOf(stdout: string, name: string): Record<string, unknown> {
  const { info } = JSON.parse(stdout) as { info: Record<string, Record<string, unknown>> };
  return info[name] ?? {};
}
