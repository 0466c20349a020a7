import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { Clock, Context, Files } from '../system/system.ts';
import type { MachineEngine, MachineInfo, NamedMachine } from './machine.ts';

/** File on every machine of ours with the name of its lab; written by cloud-init. */
export const MARKER = '/etc/istio-vms/lab';

/** The longest time that an engine waits for cloud-init itself (docs/facts/multipass.md 3.3). */
const FIRST_BOOT_MS = 300_000;

export type Owner = 'ours' | 'foreign' | 'unknown';

/** Which machines this lab has created. Only those may be changed or removed. */
export interface Ownership {
  /**
   * Records that this machine is about to be launched. This happens before the launch, so that a crash during it loses
   * nothing.
   */
  intend(name: string): Promise<void>;
  /** Records that its launch completed. */
  confirm(name: string): Promise<void>;
  /** Whether `confirm` was called since the last `intend`; false if the record was lost. */
  isConfirmed(name: string): Promise<boolean>;
  /** When a launch began (ms since 1970) that is on record but not confirmed: the engine may still be working on it. */
  unfinishedSince(name: string): Promise<number | undefined>;
  /** Removes a machine that is gone from the record. */
  forget(name: string): Promise<void>;
  /** Recorded names, sorted, including those that the configuration no longer contains. */
  recorded(): Promise<readonly string[]>;
  /**
   * A running machine is checked itself. One that cannot be read is ours if it is on record; otherwise it is unknown,
   * and an unknown machine is never touched.
   */
  isOurs(info: MachineInfo, context: Context): Promise<Owner>;
}

export interface OwnershipParts {
  readonly files: Pick<Files, 'readText' | 'write' | 'stat' | 'remove'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly config: { readonly lab: string; readonly paths: Pick<Config['paths'], 'machinesRecord'> };
  readonly engine: Pick<MachineEngine, 'name' | 'machine'>;
}

const recordSchema = z.object({
  version: z.literal(1),
  lab: z.string(),
  machines: z.record(
    z.string(),
    z.object({ engine: z.string(), recordedAt: z.string(), upSince: z.string().optional() }),
  ),
});

type Machines = z.infer<typeof recordSchema>['machines'];

export function createOwnership({ files, clock, config, engine }: OwnershipParts): Ownership {
  const path = config.paths.machinesRecord;
  let lastWrite: Promise<void> = Promise.resolve();

  /** A record of another lab, or one that is broken, is ignored. */
  const read = async (): Promise<Machines> => {
    const record = recordSchema.safeParse(parseJson(await files.readText(path)));
    return record.success && record.data.lab === config.lab ? record.data.machines : {};
  };

  /** Several machines are launched in parallel; each update waits for the one before. */
  const change = (edit: (machines: Machines) => Machines): Promise<void> => {
    const write = async (): Promise<void> => {
      const before = await read();
      const machines = edit(before);
      if (machines === before) return;
      await files.write(path, `${JSON.stringify({ version: 1, lab: config.lab, machines }, undefined, 2)}\n`);
    };
    const done = lastWrite.then(write);
    // A failed write is reported to its own caller, and does not block the next one.
    lastWrite = done.catch(() => undefined);
    return done;
  };

  const isRecorded = async (name: string): Promise<boolean> => {
    await lastWrite;
    return (await read())[name]?.engine === engine.name;
  };

  const unfinishedSince = async (name: string): Promise<number | undefined> => {
    await lastWrite;
    const noted = (await read())[name];
    return noted?.engine === engine.name && noted.upSince === undefined ? Date.parse(noted.recordedAt) : undefined;
  };

  return {
    intend: (name) =>
      change((machines) => ({
        ...machines,
        [name]: { engine: engine.name, recordedAt: new Date(clock.now()).toISOString() },
      })),
    confirm: (name) =>
      change((machines) => {
        const noted = machines[name];
        if (noted === undefined) return machines;
        return { ...machines, [name]: { ...noted, upSince: new Date(clock.now()).toISOString() } };
      }),
    isConfirmed: async (name) => {
      await lastWrite;
      return (await read())[name]?.upSince !== undefined;
    },
    unfinishedSince,
    forget: async (name) => {
      await change((machines) =>
        name in machines ? Object.fromEntries(Object.entries(machines).filter(([key]) => key !== name)) : machines,
      );
      // If the very first write of the record was interrupted, this removes its temporary file.
      if ((await files.stat(path)) === undefined) await files.remove(path);
    },
    recorded: async () => {
      await lastWrite;
      return Object.keys(await read()).sort();
    },
    isOurs: async ({ name, state, lab }, context) => {
      // The engine's own label needs no remote call, and can be read whether the machine runs or not.
      if (lab !== undefined) return lab === config.lab ? 'ours' : 'foreign';
      let marker = state === 'running' ? await readMarker(engine, name, context) : undefined;
      // An interrupted launch of ours: the marker is written by cloud-init on the first boot, which may still be
      // running.
      if (marker === '' && (await unfinishedSince(name)) !== undefined) {
        await firstBootOver(engine, name, context);
        marker = await readMarker(engine, name, context);
      }
      if (marker === config.lab) return 'ours';
      if (marker !== undefined && marker !== '') return 'foreign';
      const recorded = await isRecorded(name);
      // It runs without a marker. If it is on record, someone may have created another machine in its place, so it is
      // not touched.
      if (marker === '') return recorded ? 'unknown' : 'foreign';
      return recorded ? 'ours' : 'unknown';
    },
  };
}

/** The error for a foreign machine that has the name of one of ours. */
export function foreignMachine(machine: NamedMachine, engine: Pick<MachineEngine, 'nameConflictHint'>): CliError {
  const { name, state } = machine;
  const holder =
    state === 'deleted'
      ? `A deleted machine still holds the name ${name}`
      : `There is a machine ${name} already${state === undefined ? '' : ` (${state})`}`;
  return new CliError('foreign-machine', {
    message: `${holder}, and it was not created by istio-vms for this lab.`,
    hint: `Set NODE_PREFIX or WORKLOAD_VM_NAME to other names, or ${engine.nameConflictHint(machine)}.`,
  });
}

/** Waits for cloud-init, whatever its result. */
async function firstBootOver(engine: OwnershipParts['engine'], name: string, context: Context): Promise<void> {
  try {
    await engine
      .machine(name)
      .run({ file: 'cloud-init', args: ['status', '--wait'], effect: 'read', timeoutMs: FIRST_BOOT_MS }, context);
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
  }
}

/** Content of the marker; empty when the machine has none, undefined when it could not be read. */
async function readMarker(
  engine: OwnershipParts['engine'],
  name: string,
  context: Context,
): Promise<string | undefined> {
  try {
    const { stdout } = await engine
      .machine(name)
      .run({ file: 'cat', args: [MARKER], effect: 'read', timeoutMs: 30_000 }, context);
    return stdout.trim();
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    return thrown.failure === 'exit' && /No such file/i.test(thrown.result.stderr) ? '' : undefined;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
