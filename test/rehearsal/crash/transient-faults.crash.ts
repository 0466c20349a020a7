import { describe, expect, it } from 'vitest';
import { startFault } from '../../../src/rehearsal/fault-setups.ts';
import type { FaultName } from '../../../src/rehearsal/faults.ts';
import { simulated } from '../support/simulated.ts';

/** A fault-free `up` takes three minutes. */
const SPAN_MS = 180_000;

/** Transient faults that are tried at every tenth second of the run. */
const EVERY_10_S: readonly FaultName[] = [
  'api-flaky',
  'api-slow',
  'api-conflict',
  'webhook-failing',
  'root-cert-late',
  'istioctl-timeout',
  'launch-timeout-lies',
  'launch-client-timeout',
  'daemon-restart',
  'image-server-down',
  'address-late',
  'second-address',
  'exec-lost',
  'session-hung',
  'dns-captured',
  'clock-behind',
  'load-balancer-late',
  'pulls-slow',
  'download-flaky',
  'download-truncated',
  'mirror-down',
  'computer-slept',
  'slept-during-read',
  'vm-rebooted',
  'worker-rebooted',
  'master-rebooted',
];
/** Transient faults with the interval at which their start is tried, in milliseconds: short for short outages. */
const TRANSIENT_FAULTS: readonly [FaultName, number][] = [
  ['api-away', 500],
  ['answers-late', 2_000],
  ...EVERY_10_S.map((name): [FaultName, number] => [name, 10_000]),
];

describe('a transient fault never fails a run', () => {
  it.each(TRANSIENT_FAULTS)('%s, started at every multiple of %i ms', async (name, step) => {
    const failures: string[] = [];
    for (let at = 0; at < SPAN_MS; at += step) {
      const { world, mesh, up } = simulated();
      world.clock.after(at, () => startFault({ world, mesh }, name));
      const { report } = await up();
      if (report.error !== undefined) failures.push(`at ${at} ms: ${report.error.message}`);
    }
    expect(failures).toEqual([]);
  });
});
