import type { Command, CommandResult, System } from '../system/system.ts';
import type { Machine } from './machine.ts';
import { withSessionRetry } from './new-session.ts';
import type { PlaceScript } from './put.ts';
import { createRemoteMachine } from './remote-machine.ts';

export interface MachineCacheParts {
  readonly system: Pick<System, 'files' | 'clock'>;
  readonly place: PlaceScript;
  readonly runOn: (name: string, command: Command, signal?: AbortSignal) => Promise<CommandResult>;
  readonly addressOf: (name: string) => Promise<string>;
}

export interface MachineCache {
  /** The same for the same name, so that what it found out (its CPU) is asked once. */
  readonly machine: (name: string) => Machine;
  /** Another machine may stand under that name from now on. */
  readonly forget: (name: string) => void;
}

/** The machines of an engine, out of its way to run commands on them. */
export function createMachineCache({ system, place, runOn, addressOf }: MachineCacheParts): MachineCache {
  const machines = new Map<string, Machine>();
  const make = (name: string): Machine =>
    withSessionRetry(
      createRemoteMachine({
        name,
        run: (command, signal) => runOn(name, command, signal),
        address: () => addressOf(name),
        files: system.files,
        place,
      }),
      system.clock,
    );
  return {
    machine: (name) => {
      const machine = machines.get(name) ?? make(name);
      machines.set(name, machine);
      return machine;
    },
    forget: (name) => void machines.delete(name),
  };
}
