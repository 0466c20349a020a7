import type { Config } from '../../../src/config/config.ts';
import type { MachineSpec } from '../../../src/machines/machine.ts';
import { MARKER } from '../../../src/machines/ownership.ts';

/** Specification of a small machine with the lab's marker. */
export function specOf(
  { runOs, workloads: [vm] }: Pick<Config, 'runOs' | 'workloads'>,
  lab: string,
  name: string,
  { write_files: files = [], ...cloudInit }: Readonly<Record<string, unknown>> = {},
): MachineSpec {
  const { memory, disk } = vm.size;
  const mark = { path: MARKER, content: `${lab}\n` };
  const data = { ...cloudInit, write_files: [mark, ...(files as readonly unknown[])] };
  return { name, release: runOs, cpus: 2, memory, disk, cloudInit: data };
}
