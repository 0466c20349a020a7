import { setTimeout as sleep } from 'node:timers/promises';
import { currentHost } from '../../../src/system/host.ts';
import { createTestLab, type EngineName } from '../support/lab.ts';
import type { Bench } from './bench.ts';

/** A bench with real machines. */
export async function realBench(kind: EngineName): Promise<Bench> {
  const lab = await createTestLab(kind);
  return {
    ...lab,
    hostCpu: currentHost().cpu,
    drive: (work) => work(),
    sleep: (ms) => sleep(ms),
  };
}
