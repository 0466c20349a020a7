import { describe, expect, it } from 'vitest';
import { holdNamespace } from '../../src/rehearsal/cluster/namespaces.ts';
import { restartDaemon } from '../../src/rehearsal/engines/daemon.ts';
import { REASONS } from '../../src/errors/reasons.ts';
import type { RunEvent } from '../../src/plan/events.ts';
import { startFault } from '../../src/rehearsal/fault-setups.ts';
import { faultsOf } from '../../src/rehearsal/index.ts';
import { cli } from './support/cli.ts';
import { differences, linesOf, faultFreeUp, upWith, type FaultOutcome } from './support/fault-outcomes.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();

/** The effect of each fault on `up`. The printed lines are in golden/faults; `npx vitest run -u --project long` updates them. */
const OUTCOMES: Readonly<Record<string, FaultOutcome>> = {
  'launch-timeout-lies': { slower: { steps: 300 } },
  'gateway-port-conflict': { reason: 'port-conflict' },
  'token-expired': { moreCommands: 1 },
  'computer-slept': { slowerSteps: { sidecar: 7_200 } },
  'slept-during-read': { slowerSteps: { 'k3s-server': 7_200 } },
  'arm64-deb-missing': { slowerSteps: { 'sidecar-package': 5 }, moreCommands: 4 },
  'session-hung': { slowerSteps: { sidecar: 80 } },
  'vm-rebooted': { slower: { command: 8 } },
  'daemon-down': { reason: 'engine-unavailable' },
  'daemon-restart': { slower: { steps: 30 } },
  'address-late': { slowerSteps: { master: 15 } },
  'cloud-init-error': { reason: 'machine-failed' },
  'download-flaky': { slowerSteps: { istioctl: 4 } },
  'download-truncated': { slowerSteps: { istioctl: 9 } },
  'digest-mismatch': { reason: 'digest-mismatch' },
  'root-cert-late': { slowerSteps: { workload: 10 } },
  'api-flaky': { moreCommands: 2 },
  'api-away': { slower: { steps: 8 }, moreCommands: 15 },
  'api-slow': { slower: { steps: 60 } },
  'answers-late': { slower: { steps: 12 } },
  'api-conflict': { moreCommands: 1 },
  'namespace-stuck': { slowerSteps: { workload: 55 } },
  'webhook-failing': { moreCommands: 1 },
  'istioctl-timeout': { slowerSteps: { istio: 270 } },
  'image-server-down': { slower: { steps: 30 } },
  'launch-client-timeout': { moreCommands: 15 },
  'exec-lost': { moreCommands: 1 },
  'second-address': { costsNothing: 'the right address is found without another command' },
  'mirror-down': { slowerSteps: { 'k3s-binary': 8 } },
  offline: { reason: 'download-failed' },
  'line-slow': { slowerSteps: { 'k3s-binary': 100 } },
  'host-disk-full': { reason: 'disk-full' },
  'file-forbidden': { reason: 'permission-denied' },
  'guest-disk-full': { reason: 'disk-full' },
  'clock-behind': { slowerSteps: { sidecar: 70 } },
  'load-balancer-hostname': { reason: 'timed-out' },
  // The sidecar becomes ready at its second start: 60 s of the first and a pause of 15 s later.
  'dns-captured': { slowerSteps: { sidecar: 70 } },
  'address-gone': { costsNothing: 'no step reads the address meanwhile; a test below covers a run that does' },
  'load-balancer-late': { slowerSteps: { eastwest: 55 } },
  'pulls-slow': { slower: { steps: 80 } },
  'second-up': { slower: { command: 28 } },
  'vm-deleted': { reason: 'machine-failed' },
  'vm-moved': { moreCommands: 1 },
  'vm-stopped': { moreCommands: 1 },
  // istiod ran on that worker; its pod does not count as ready, although the cluster reports it Ready for a while.
  'worker-stopped': { reason: 'timed-out' },
  'worker-rebooted': { slowerSteps: { istio: 5 } },
  'master-rebooted': { slower: { steps: 15 } },
};

describe('every fault', () => {
  it('is in the table of this test', () => {
    expect(
      faultsOf('multipass')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(OUTCOMES).sort());
  });

  it.each(Object.entries(OUTCOMES))('is triggered and has its effect: %s', async (fault, outcome) => {
    const [run, normal] = [await upWith(fault), await faultFreeUp()];
    expect([...run.triggered]).toEqual([fault]);
    expect(differences(outcome, run, normal)).toEqual([]);
    expect(run.code).toBe(outcome.reason === undefined ? 0 : REASONS[outcome.reason]);
    await expect(linesOf(run, normal)).toMatchFileSnapshot(`golden/faults/${fault}.txt`);
  });

  it('is not triggered in a fault-free run, which has none of the effects', async () => {
    const normal = await faultFreeUp();
    expect([...normal.triggered]).toEqual([]);
    const satisfied = Object.entries(OUTCOMES).filter(
      ([, outcome]) => differences(outcome, normal, normal).length === 0,
    );
    expect(satisfied.map(([fault]) => fault)).toEqual(
      Object.keys(OUTCOMES).filter((fault) => OUTCOMES[fault]?.costsNothing !== undefined),
    );
  });

  it('does not fail up when it occurs together with other transient faults', async () => {
    const faults = [
      'launch-timeout-lies',
      'token-expired',
      'session-hung',
      'vm-rebooted',
      'api-flaky',
      'download-flaky',
    ];
    const run = await cli(['up', '--rehearse', ...faults.flatMap((fault) => ['--fault', fault])]);
    expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('is listed when the requested fault does not exist', async () => {
    const run = await cli(['up', '--rehearse', '--fault', 'gremlins']);
    expect(run.code).toBe(2);
    for (const { name } of faultsOf('multipass')) expect(run.stderr).toContain(name);
  });

  it('is refused without --rehearse', async () => {
    const run = await cli(['up', '--fault', 'token-expired']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('Try: Add --rehearse.');
  });
});

describe('faults that end a run', () => {
  it('port-conflict: the next run succeeds when the other Service is deleted', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-conflict'] }));
    const { report } = await lab.up();
    expect(report.error?.reason).toBe('port-conflict');
    lab.world.faults.clear();
    lab.cluster.store.remove('services', 'default', 'already-here');
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.changed).toEqual(expect.arrayContaining(['eastwest', 'sidecar']));
    expect(next.changed).not.toContain('istio');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('port-conflict: is reported within 15 seconds of the wait for the address', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-conflict'] }));
    const events: RunEvent[] = [];
    await lab.up({ onEvent: (event) => void events.push(event) });
    const waiting = events.find(
      (event) =>
        event.type === 'step-said' && event.text.startsWith('waiting for the address of the east-west gateway'),
    );
    const failed = events.find((event) => event.type === 'step-failed' && event.id === 'eastwest');
    expect((failed?.at ?? Infinity) - (waiting?.at ?? 0)).toBeLessThan(15_000);
  });

  it('port-conflict: the next run succeeds with another port', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-conflict'] }));
    await lab.up();
    const set = { EWG_PORT_TLS_ISTIOD: '15112' };
    expect((await lab.up({ set })).report.error).toBeUndefined();
    expect((await lab.verify([], { set })).failed).toEqual([]);
  });

  it('daemon-down: starts nothing, and the next run succeeds when the daemon is up', async () => {
    const lab = watch(simulated({ faults: ['daemon-down'] }));
    await expect(lab.up()).rejects.toMatchObject({ reason: 'engine-unavailable' });
    expect(lab.transcript.filter(({ effect }) => effect === 'write')).toEqual([]);
    lab.world.engine.daemonUp = true;
    expect((await lab.up()).report.error).toBeUndefined();
  });

  it('digest-mismatch: the wrong file is never used, and the next run downloads it again', async () => {
    const lab = watch(simulated({ faults: ['digest-mismatch'] }));
    const { report } = await lab.up();
    expect(report.error?.reason).toBe('digest-mismatch');
    expect(await lab.files.stat(lab.config.paths.istioctl)).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('cloud-init-error: nothing is installed on the machine until it is recreated', async () => {
    const lab = watch(simulated({ faults: ['cloud-init-error'] }));
    expect((await lab.up()).report.error?.reason).toBe('machine-failed');
    const again = await lab.up();
    expect(again.report.error?.reason).toBe('machine-failed');
    expect(again.changed).not.toContain('k3s-server');
    expect((await lab.step('k3s', { kind: 'recreate' })).report.error).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('load-balancer-hostname: the next run succeeds when the other load balancer is removed', async () => {
    const lab = watch(simulated({ faults: ['load-balancer-hostname'] }));
    expect((await lab.up()).report.error?.reason).toBe('timed-out');
    lab.world.faults.clear();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('worker-stopped: the next run starts the machine', async () => {
    const lab = watch(simulated({ faults: ['worker-stopped'] }));
    await lab.up();
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.messages).toContain('worker-1: starting it again');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('vm-deleted: the next run creates the machine again', async () => {
    const lab = watch(simulated({ faults: ['vm-deleted'] }));
    expect((await lab.up()).report.error?.reason).toBe('machine-failed');
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.changed).toContain('vm');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('tool-missing: a missing tool is reported before anything begins', async () => {
    const lab = watch(simulated({ tools: ['docker'] }));
    await expect(lab.up()).rejects.toMatchObject({
      reason: 'tool-missing',
      facts: {
        details: [
          expect.stringContaining('multipass is not on the PATH'),
          expect.stringContaining('kubectl is not on the PATH'),
        ],
      },
    });
    expect(lab.transcript.filter(({ effect }) => effect === 'write')).toEqual([]);
  });
});

describe('faults that a run recovers from', () => {
  it('address-gone: a run that reads the address waits for it', async () => {
    const lab = watch(await labThatIsUp());
    startFault(lab, 'address-gone');
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.messages).toContain('vm: vm-istio-external-workload has no address yet; waiting for it');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('vm-moved: all workload files have the new address', async () => {
    const lab = watch(simulated({ faults: ['vm-moved'] }));
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
  });

  it('a namespace that is being deleted is created again after its deletion', async () => {
    const lab = watch(await labThatIsUp());
    holdNamespace(lab.world, lab.cluster.store, lab.config.workloads[0].namespace);
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.messages).toContain(
      'workload: waiting for a former namespace to be gone: namespace vmns is still being deleted',
    );
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('istio-system that is being deleted is created again after its deletion', async () => {
    const lab = watch(await labThatIsUp());
    holdNamespace(lab.world, lab.cluster.store, lab.config.istio.namespace);
    const next = await lab.up();
    expect({ error: next.report.error?.facts, messages: next.report.error === undefined ? [] : next.messages }).toEqual(
      {
        error: undefined,
        messages: [],
      },
    );
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('reads are retried when the daemon restarts', async () => {
    const lab = watch(await labThatIsUp());
    const next = await lab.up({
      onEvent: ({ type }) => {
        if (type === 'run-started') restartDaemon(lab.world, 8_000);
      },
    });
    expect(next.report.error).toBeUndefined();
    expect(next.writes).toEqual([]);
  });
});

describe('a workload VM for whose CPU no package is published', () => {
  it('gets the binaries from the image, and a second up changes nothing', async () => {
    const lab = watch(simulated({ faults: ['arm64-deb-missing'] }));
    const first = await lab.up();
    expect(first.report.error).toBeUndefined();
    expect(first.writes.some((line) => line.startsWith('docker create'))).toBe(true);
    expect(lab.world.containers.size).toBe(0);
    const second = await lab.up();
    expect(second.writes).toEqual([]);
    expect(second.changed).toEqual([]);
  });
});
