import { setTimeout as sleep } from 'node:timers/promises';
import { currentHost } from '../../../src/system/host.ts';
import { createTestLab, type EngineName } from '../support/lab.ts';
import { PROJECT } from '../support/names.ts';
import type { Bench } from './bench.ts';

/** An engine with real machines on the bench. */
export async function realBench(kind: EngineName): Promise<Bench> {
  const lab = await createTestLab(kind);
  const stop = kind === 'incus' ? ['incus', 'stop', '--project', PROJECT] : ['multipass', 'stop'];
  return {
    ...lab,
    hostCpu: currentHost().cpu,
    drive: (work) => work(),
    sleep: (ms) => sleep(ms),
    stop: async (name) => {
      const [file = '', ...args] = stop;
      await lab.system.processes.run({ file, args: [...args, name], effect: 'write', timeoutMs: 120_000 });
    },
  };
}
