import { describe, expect, it } from 'vitest';
import { startFault } from '../../../src/rehearsal/fault-setups.ts';
import type { FaultName } from '../../../src/rehearsal/faults.ts';
import { simulated } from '../support/simulated.ts';

/** An undisturbed `up` takes three minutes. */
const SPAN_MS = 180_000;

/** Faults that pass by themselves, each started every ten seconds. */
const ONCE_IN_10_S: readonly FaultName[] = [
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
/** Faults that pass by themselves, and how many milliseconds apart they are started: outages of the API are short. */
const PASSING: readonly [FaultName, number][] = [
  ['api-away', 500],
  ['answers-late', 2_000],
  ...ONCE_IN_10_S.map((name): [FaultName, number] => [name, 10_000]),
];

describe('what passes by itself ends no run, whenever it comes', () => {
  it.each(PASSING)('%s, every %i ms', async (name, step) => {
    const ended: string[] = [];
    for (let at = 0; at < SPAN_MS; at += step) {
      const { world, mesh, up } = simulated();
      world.clock.after(at, () => startFault({ world, mesh }, name));
      const { report } = await up();
      if (report.error !== undefined) ended.push(`at ${at} ms: ${report.error.message}`);
    }
    expect(ended).toEqual([]);
  });
});
