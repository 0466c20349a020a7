import { afterAll, beforeAll, describe } from 'vitest';
import type { Machine } from '../../../src/machines/machine.ts';
import type { Bench } from './bench.ts';
import { commandCases } from './cases/commands.ts';
import { interruptedLaunchCases } from './cases/interrupted-launch.ts';
import { cancellationCases } from './cases/cancellation.ts';
import { fileCases } from './cases/files.ts';
import { launchCases } from './cases/launch.ts';
import { lifecycleCases } from './cases/lifecycle.ts';
import { foreignMachineCases } from './cases/foreign-machines.ts';

/** Input of every case: the bench, and one machine that is launched once for all cases. */
export interface Subject {
  readonly bench: () => Bench;
  readonly machine: () => Machine;
}

/** Path and content of a file that the first boot writes. */
export const FIRST_BOOT = { path: '/etc/conformance.txt', content: 'written by the first boot\n' } as const;

/**
 * Tests that every machine engine must pass, real or simulated.
 *
 * @param missing why this engine is not available; then all tests are skipped, and their title says why
 */
export function conformance(title: string, missing: string | undefined, make: () => Promise<Bench>): void {
  const shown = missing === undefined ? title : `${title} (not available: ${missing})`;
  describe.skipIf(missing !== undefined)(shown, () => {
    let created: Bench | undefined;
    let main: Machine | undefined;
    const subject: Subject = { bench: () => requireValue(created), machine: () => requireValue(main) };
    beforeAll(async () => {
      const bench = await make();
      created = bench;
      const cloudInit = { write_files: [{ ...FIRST_BOOT, permissions: '0640' }] };
      main = await bench.drive(() => bench.launch(bench.config.workloads[0].name, cloudInit));
    });
    afterAll(() => created?.drive(created.cleanUp));

    launchCases(subject);
    commandCases(subject);
    fileCases(subject);
    cancellationCases(subject);
    foreignMachineCases(subject);
    interruptedLaunchCases(subject);
    lifecycleCases(subject);
  });
}

function requireValue<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('available only inside tests');
  return value;
}
