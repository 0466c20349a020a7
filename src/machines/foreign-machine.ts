import { CliError } from '../errors/cli-error.ts';
import type { MachineEngine, NamedMachine } from './machine.ts';

/** Somebody else holds the name that a machine of ours should have. */
export function foreignMachine(machine: NamedMachine, engine: Pick<MachineEngine, 'nameConflictHint'>): CliError {
  const { name, state } = machine;
  const holder =
    state === 'deleted'
      ? `A deleted machine still holds the name ${name}`
      : `There is a machine ${name} already${state === undefined ? '' : ` (${state})`}`;
  return new CliError('foreign-machine', {
    message: `${holder}, and istio-vms did not make it for this lab.`,
    hint: `Set NODE_PREFIX or WORKLOAD_VM_NAME to other names, or ${engine.nameConflictHint(machine)}.`,
  });
}
