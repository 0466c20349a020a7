import { describe, expect, it } from 'vitest';
import { holdNamespace } from '../../src/rehearsal/cluster/namespaces.ts';
import { restartDaemon } from '../../src/rehearsal/engines/daemon.ts';
import type { RunEvent } from '../../src/plan/events.ts';
import { FAULTS } from '../../src/rehearsal/index.ts';
import { sampled } from '../support/sampled.ts';
import { cli } from './support/cli.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();

/** What each fault comes to at the terminal: exit code, and the sentences by which a person knows. */
const OUTCOMES: Readonly<Record<string, { readonly code: number; readonly shown: readonly string[] }>> = {
  'launch-timeout-lies': {
    code: 0,
    shown: [
      'k3s-master: launch reported a failure, but the machine is unknown; waiting for it',
      'k3s-master: launch reported a failure, but the machine is starting; waiting for it',
    ],
  },
  'gateway-port-clash': {
    code: 5,
    shown: [
      'waiting for the address of the east-west gateway: port 15013 is held by Service default/already-here',
      '✖ east-west gateway: The east-west gateway gets no address: port 15013 is held by Service default/already-here.',
      'What was done stays: 19 of 21 steps. The same command goes on from there.',
      'Try: Give the gateway other ports (EWG_PORT_STATUS, EWG_PORT_TLS_ISTIOD, EWG_PORT_TLS_WEBHOOK), or remove the other Service; then run the same command again.',
      'Reason: port-clash (exit code 5)',
    ],
  },
  'token-expired': { code: 0, shown: ['sidecar           the token has expired; asking for a new one'] },
  'computer-slept': {
    code: 0,
    // Less the ten seconds that the command in flight might have taken by itself.
    shown: ['the computer slept for 1 h 59 m', 'sidecar           the token has expired; asking for a new one'],
  },
  // The look is the server's, for its node: the sleep counts in what it took, and not in its patience.
  'slept-while-looking': { code: 0, shown: ['k3s-server        done in 2 h'] },
  'arm64-deb-missing': {
    code: 0,
    shown: [
      'sidecar-download  this package is not published; its binaries will come out of the proxyv2 image',
      'sidecar-package   fetching docker.io/istio/proxyv2:1.19.3 for linux/arm64',
    ],
  },
  'frozen-session': {
    code: 0,
    shown: ['sidecar           that session froze, as sessions older than the rules may; going on in a new one'],
  },
  'vm-rebooted': { code: 0, shown: ['dns               waiting for the sidecar: activating'] },
  'daemon-down': {
    code: 4,
    shown: [
      '✖ A tool that is needed is not ready.',
      'multipass: Multipass 1.16.3 is installed, but its service does not answer. Start it: `sudo snap start multipass` on Linux,',
      'Reason: engine-not-answering (exit code 4)',
    ],
  },
  'daemon-restart': { code: 0, shown: ['k3s-master: Multipass is not ready yet, trying again'] },
  'address-late': { code: 0, shown: ['k3s-master has no address yet; waiting for it'] },
  'cloud-init-error': {
    code: 5,
    shown: [
      '✖ machine k3s-master: cloud-init failed on the machine k3s-master, so it is not set up as it should be.',
      'Try: See why with `multipass exec -n k3s-master -- cloud-init status --long`, then make the machine anew with --recreate.',
      'Reason: machine-broken (exit code 5)',
    ],
  },
  'download-flaky': { code: 0, shown: ['failed: the connection was reset. Trying again in 2 s'] },
  'download-truncated': { code: 0, shown: ['the server closed the connection before the end. Trying again in 2 s'] },
  'digest-mismatch': {
    code: 5,
    shown: [
      '✖ istioctl 1.19.3: The download of https://github.com/istio/istio/releases/download/1.19.3/istioctl-1.19.3-linux-amd64.tar.gz has another SHA-256 than it should have.',
      '.tar.gz.mismatch',
      'Reason: digest-mismatch (exit code 5)',
    ],
  },
  'root-cert-late': {
    code: 0,
    shown: ['waiting for the root certificate in namespace vmns: ConfigMap istio-ca-root-cert is not there yet'],
  },
  'api-flaky': { code: 0, shown: [] },
  'api-away': {
    code: 0,
    shown: [
      'k3s-agent-1       The Kubernetes API does not answer. Trying again in 1 s.',
      'waiting for the rollout of istio-eastwestgateway: The Kubernetes API does not answer.',
    ],
  },
  // Nothing is tried again, so there is nothing to say but what it took.
  'api-slow': { code: 0, shown: ['istio             done in'] },
  'answers-late': { code: 0, shown: ['istio             done in'] },
  'api-conflict': {
    code: 0,
    shown: ['Somebody else changed an object of the cluster at the same moment. Trying again in 1 s.'],
  },
  'namespace-stuck': {
    code: 0,
    shown: ['waiting for a former namespace to be gone: namespace vmns is still being deleted'],
  },
  'webhook-failing': {
    code: 0,
    shown: ["The cluster could not ask one of istiod's webhooks. Trying again in 1 s."],
  },
  'istioctl-timeout': { code: 0, shown: ['istio             istioctl gave up waiting; watching the pods without it'] },
  'image-server-down': { code: 0, shown: ['k3s-master: Multipass is not ready yet, trying again'] },
  'launch-client-timeout': {
    code: 0,
    shown: [
      'k3s-master: launch reported a failure, but the machine is starting; waiting for it',
      'k3s-master: did not come up; removing it',
      'launching k3s-master once more',
      'k3s-master: Multipass is still preparing it',
    ],
  },
  'exec-lost': { code: 0, shown: ['k3s-server        that session broke off; once more in a new one'] },
  // The right one is found without a question.
  'second-address': { code: 0, shown: [] },
  'mirror-down': { code: 0, shown: ['failed: the connection was refused. Trying again in 2 s.'] },
  offline: {
    code: 5,
    shown: [
      'sha256sum-amd64.txt failed: the name of the server cannot be resolved.',
      'Reason: download-failed (exit code 5)',
    ],
  },
  'line-slow': { code: 0, shown: ['sidecar-download  istio-sidecar: 35 MB of 39 MB'] },
  'host-disk-full': {
    code: 5,
    shown: [
      '✖ machine k3s-master: The disk is full: cannot write',
      'Try: Free some space, then run the same command again.',
      'Reason: disk-full (exit code 5)',
    ],
  },
  'file-forbidden': {
    code: 5,
    shown: [
      '✖ machine k3s-master: No permission to write',
      'Try: Check who owns it (`ls -ld`), perhaps after an earlier run with sudo; or move it with DATA_DIR, BIN_DIR or TEMP_DIR.',
      'Reason: permission-denied (exit code 5)',
    ],
  },
  'guest-disk-full': {
    code: 5,
    shown: [
      '✖ k3s control plane: The disk of a machine is full.',
      'Try: Raise the DISK_* variable of that machine and recreate it.',
      'istio-vms-place: no space left on device: cannot unpack the files',
      'Reason: disk-full (exit code 5)',
    ],
  },
  'clock-behind': { code: 0, shown: ['x509: certificate has expired or is not yet valid'] },
  'load-balancer-hostname': {
    code: 6,
    shown: [
      'waiting for the address of the east-west gateway: it has a host name, gateway-1234.elb.example.com, and no address',
      '✖ east-west gateway: The load balancer of this cluster gives the east-west gateway a host name, gateway-1234.elb.example.com, and no address.',
      "Try: The workload VM needs an address. Take away what serves Services of type LoadBalancer beside k3s's own load balancer; then run the same command again.",
      'Reason: gave-up-waiting (exit code 6)',
    ],
  },
  'dns-captured': {
    code: 0,
    shown: [
      'on 127.0.0.53:53: server misbehaving',
      // Ready at its second start, after 60 s of the first and a pause of 15 s.
      'sidecar           done in 1 m 2',
    ],
  },
  // Nobody asks while it is gone; see below for a run that does.
  'address-gone': { code: 0, shown: [] },
  'load-balancer-late': {
    code: 0,
    shown: ['eastwest          waiting for the address of the east-west gateway: no address yet'],
  },
  'pulls-slow': {
    code: 0,
    shown: ['nodes             waiting for all nodes and cluster DNS: coredns: 0 of 1 pods available'],
  },
  'second-up': {
    code: 0,
    shown: ['`istio-vms up`, process 3141, has been at work since', 'The other run has ended.'],
  },
  'vm-deleted': {
    code: 5,
    shown: [
      'demo              that session broke off; once more in a new one',
      '✖ sidecar on vm-istio-external-workload: A machine that was there a moment ago is gone.',
      'Try: Somebody else deleted it. Run `istio-vms up` to make it again.',
      'Reason: machine-broken (exit code 5)',
    ],
  },
  'vm-moved': { code: 0, shown: ['demo              that session broke off; once more in a new one'] },
  'vm-stopped': { code: 0, shown: ['demo              that session broke off; once more in a new one'] },
  'worker-stopped': {
    code: 6,
    shown: [
      // istiod ran on that worker: its pod is not believed, though the cluster calls it Ready for a while.
      'waiting for the rollout of istiod-1-19-3: 0 of 1 pods available (not Ready: k3s-worker-1)',
      'What was done stays: 15 of 21 steps. The same command goes on from there.',
      'Reason: gave-up-waiting (exit code 6)',
    ],
  },
  // Kubernetes gets over it before anybody asks.
  'worker-rebooted': { code: 0, shown: [] },
  'master-rebooted': { code: 0, shown: [] },
};

describe('every fault at the terminal', () => {
  it('has an outcome here', () => {
    expect(FAULTS.map(({ name }) => name).sort()).toEqual(Object.keys(OUTCOMES).sort());
  });

  it.each(sampled(Object.entries(OUTCOMES), 4))('%s', async (fault, { code, shown }) => {
    const run = await cli(['up', '--rehearse', '--fault', fault]);
    for (const sentence of shown) expect(run.stderr).toContain(sentence);
    expect({ code: run.code, proven: run.stdout.includes('13 of 13 checks passed') }).toEqual({
      code,
      proven: code === 0,
    });
    expect(run.stderr).toContain('Nothing real is touched');
  });

  it('several at once', async () => {
    const faults = [
      'launch-timeout-lies',
      'token-expired',
      'frozen-session',
      'vm-rebooted',
      'api-flaky',
      'download-flaky',
    ];
    const run = await cli(['up', '--rehearse', ...faults.flatMap((fault) => ['--fault', fault])]);
    expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('one that there is not is named, with all that there are', async () => {
    const run = await cli(['up', '--rehearse', '--fault', 'gremlins']);
    expect(run.code).toBe(2);
    for (const { name } of FAULTS) expect(run.stderr).toContain(name);
  });

  it('shapes a rehearsal, and is refused without one', async () => {
    const run = await cli(['up', '--fault', 'token-expired']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('Try: Add --rehearse.');
  });
});

describe('faults that end a run', () => {
  it('port-clash: goes on when the other Service is gone', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-clash'] }));
    const { report } = await lab.up();
    expect(report.error?.reason).toBe('port-clash');
    lab.world.faults.clear();
    lab.cluster.store.remove('services', 'default', 'already-here');
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.changed).toEqual(expect.arrayContaining(['eastwest', 'sidecar']));
    expect(next.changed).not.toContain('istio');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('port-clash: is reported within 15 seconds of the wait for the address', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-clash'] }));
    const events: RunEvent[] = [];
    await lab.up({ onEvent: (event) => void events.push(event) });
    const waiting = events.find(
      (event) =>
        event.type === 'step-said' && event.text.startsWith('waiting for the address of the east-west gateway'),
    );
    const failed = events.find((event) => event.type === 'step-failed' && event.id === 'eastwest');
    expect((failed?.at ?? Infinity) - (waiting?.at ?? 0)).toBeLessThan(15_000);
  });

  it('port-clash: goes on with another port', async () => {
    const lab = watch(simulated({ faults: ['gateway-port-clash'] }));
    await lab.up();
    const set = { EWG_PORT_TLS_ISTIOD: '15112' };
    expect((await lab.up({ set })).report.error).toBeUndefined();
    expect((await lab.verify([], { set })).red).toEqual([]);
  });

  it('daemon-down: nothing was begun; goes on when it is up', async () => {
    const lab = watch(simulated({ faults: ['daemon-down'] }));
    await expect(lab.up()).rejects.toMatchObject({ reason: 'engine-not-answering' });
    expect(lab.transcript.filter(({ effect }) => effect === 'write')).toEqual([]);
    lab.world.engine.daemonUp = true;
    expect((await lab.up()).report.error).toBeUndefined();
  });

  it('digest-mismatch: the wrong bytes are never used, and the next run fetches again', async () => {
    const lab = watch(simulated({ faults: ['digest-mismatch'] }));
    const { report } = await lab.up();
    expect(report.error?.reason).toBe('digest-mismatch');
    expect(await lab.files.stat(lab.config.paths.istioctl)).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('cloud-init-error: the machine is not built upon until it is made anew', async () => {
    const lab = watch(simulated({ faults: ['cloud-init-error'] }));
    expect((await lab.up()).report.error?.reason).toBe('machine-broken');
    const again = await lab.up();
    expect(again.report.error?.reason).toBe('machine-broken');
    expect(again.changed).not.toContain('k3s-server');
    expect((await lab.step('k3s', { kind: 'recreate' })).report.error).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('load-balancer-hostname: goes on when the other load balancer is gone', async () => {
    const lab = watch(simulated({ faults: ['load-balancer-hostname'] }));
    expect((await lab.up()).report.error?.reason).toBe('gave-up-waiting');
    lab.world.faults.clear();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('worker-stopped: the next run starts the machine', async () => {
    const lab = watch(simulated({ faults: ['worker-stopped'] }));
    await lab.up();
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.said).toContain('worker-1: starting it again');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('vm-deleted: the next run makes the machine again', async () => {
    const lab = watch(simulated({ faults: ['vm-deleted'] }));
    expect((await lab.up()).report.error?.reason).toBe('machine-broken');
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.changed).toContain('vm');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('a missing tool is told before anything begins', async () => {
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

describe('faults that are ridden out', () => {
  it('address-gone: a run that meets it waits for the address', async () => {
    const lab = watch(await labThatIsUp());
    lab.world.faults.add('address-gone');
    FAULTS.find(({ name }) => name === 'address-gone')?.apply?.(lab.world, lab.mesh);
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.said).toContain('vm: vm-istio-external-workload has no address yet; waiting for it');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('vm-moved: all files are made for the new address', async () => {
    const lab = watch(simulated({ faults: ['vm-moved'] }));
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
  });

  it('a namespace that is deleted while we look away is made again, when it is gone', async () => {
    const lab = watch(await labThatIsUp());
    holdNamespace(lab.world, lab.cluster.store, lab.config.vm.namespace);
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.said).toContain(
      'workload: waiting for a former namespace to be gone: namespace vmns is still being deleted',
    );
    expect((await lab.verify()).red).toEqual([]);
  });

  it('istio-system, too', async () => {
    const lab = watch(await labThatIsUp());
    holdNamespace(lab.world, lab.cluster.store, lab.config.istio.namespace);
    const next = await lab.up();
    expect({ error: next.report.error?.facts, said: next.report.error === undefined ? [] : next.said }).toEqual({
      error: undefined,
      said: [],
    });
    expect((await lab.verify()).red).toEqual([]);
  });

  it('a daemon that restarts under questions is asked again', async () => {
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

describe('the workload VM where no package is published', () => {
  it('gets the binaries of the image, and a second up finds them', async () => {
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
