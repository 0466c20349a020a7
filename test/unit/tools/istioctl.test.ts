import { quiet } from '../../support/context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { createIstioctl, type Istioctl } from '../../../src/tools/istioctl.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { fakeProcesses, type FakeProcesses, type Reply } from '../../support/fake-processes.ts';

const VERSION = '/b/istioctl version --remote=false --output=json';
const INSTALL =
  '/b/istioctl install --kubeconfig /k --context c --istioNamespace mesh --filename a --skip-confirmation --readiness-timeout 300s';
const CONFIGURE =
  '/b/istioctl experimental workload entry configure --kubeconfig /k --context c --istioNamespace mesh --file g --output o --clusterID test --ingressIP 1.1.1.1 --internalIP 1.1.1.2 --autoregister --revision 1-19-3 --tokenDuration 3600';

describe('createIstioctl', () => {
  let processes: FakeProcesses;
  let clock: ReturnType<typeof fakeClock>;
  let istioctl: Istioctl;

  beforeEach(() => {
    processes = fakeProcesses();
    clock = fakeClock();
    const config = {
      context: 'c',
      paths: { kubeconfig: '/k', istioctl: '/b/istioctl' },
      istio: { revision: '1-19-3', cluster: 'test', namespace: 'mesh' },
    };
    istioctl = createIstioctl({ processes, clock, config });
  });

  it('returns its version, or nothing when it is not installed', async () => {
    processes.on(
      VERSION,
      { stdout: '{"clientVersion":{"version":"1.19.3","revision":"x"}}' },
      { failure: 'not-found' },
    );
    expect(await istioctl.version(quiet)).toBe('1.19.3');
    expect(await istioctl.version(quiet)).toBeUndefined();
  });

  it('reports a program that is not istioctl', async () => {
    processes.on(VERSION, { stdout: 'hello' });
    await expect(istioctl.version(quiet)).rejects.toMatchObject({ reason: 'tool-failed' });
  });

  it('retries while the API is briefly unavailable and says so, and explains an API that stays unavailable', async () => {
    const unavailable: Reply = { exitCode: 1, stderr: 'Error: dial tcp 10.1.1.2:6443: connect: connection refused' };
    processes.on(INSTALL, { stdout: 'banner' }, ...Array.from({ length: 6 }, () => unavailable));
    const messages: string[] = [];
    await istioctl.install(['a'], quiet);
    await expect(istioctl.install(['a'], { ...quiet, say: (text) => void messages.push(text) })).rejects.toMatchObject({
      reason: 'api-unreachable',
    });
    expect(clock.slept).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(messages[0]).toBe('The Kubernetes API does not answer. Trying again in 2s.');
  });

  it('does not retry a rejected configuration', async () => {
    processes.on(INSTALL, {
      exitCode: 1,
      stderr: 'Error: generate config: could not unmarshal: json: unknown field "nonsense"',
    });
    await expect(istioctl.install(['a'], quiet)).rejects.toMatchObject({ reason: 'invalid-configuration' });
    expect(clock.slept).toEqual([]);
  });

  it('sets the default tag to the revision of the lab', async () => {
    processes.on(
      '/b/istioctl tag set default --revision 1-19-3 --overwrite --skip-confirmation --kubeconfig /k --context c --istioNamespace mesh',
      {},
    );
    await istioctl.setDefaultTag(quiet);
    expect(processes.lines).toHaveLength(1);
  });

  // Cases of docs/facts/real-mesh.md 6.4: transient errors are retried, permanent errors are reported at once.
  const VERSION_CHECK = 'Error: check minimum supported Kubernetes version: error getting Kubernetes version: ';
  const PATCH =
    'Error: failed to install manifests: failed to update resource with server-side apply for obj Deployment/mesh/istiod: Patch "https://10.1.1.2:6443/apis/apps/v1/x": ';
  it.each([
    [`${VERSION_CHECK}Get "https://10.1.1.2:6443/version": dial tcp 10.1.1.2:6443: connect: connection refused`],
    [
      `${VERSION_CHECK}Get "https://10.1.1.2:6443/version": net/http: request canceled (Client.Timeout exceeded while awaiting headers)`,
    ],
    [`${VERSION_CHECK}Get "https://10.1.1.2:6443/version": net/http: TLS handshake timeout`],
    [`${PATCH}EOF`],
    [`${PATCH}read tcp 10.1.1.1:5->10.1.1.2:6443: read: connection reset by peer`],
    [`${PATCH}http2: client connection lost`],
  ])('retries after: %s', async (stderr) => {
    processes.on(INSTALL, { exitCode: 1, stderr }, {});
    await istioctl.install(['a'], quiet);
    expect(clock.slept).toEqual([2_000]);
  });

  it.each([
    [`${VERSION_CHECK}the server has asked for the client to provide credentials`, /credentials/],
    [
      `${VERSION_CHECK}Get "https://10.1.1.2:6443/version": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      /does not belong to the cluster/,
    ],
    ['Error: failed to setup client: context "c" does not exist', /lacks the context/],
  ])('does not retry after: %s', async (stderr, message) => {
    processes.on(INSTALL, { exitCode: 1, stderr });
    await expect(istioctl.install(['a'], quiet)).rejects.toMatchObject({
      reason: 'api-unreachable',
      facts: {
        message: expect.stringMatching(message) as string,
        hint: expect.stringContaining('istio-vms k3s') as string,
      },
    });
    expect(clock.slept).toEqual([]);
  });

  it('ends an install whose component has failed, and reports the message of the component', async () => {
    const lines: string[] = [];
    processes.on(INSTALL, ({ onStderrLine }) => {
      onStderrLine?.('- Processing resources for Istiod. Waiting for Deployment/mesh/istiod-1-19-3');
      const failed =
        '✘ Istiod encountered an error: failed to wait for resource: resources not ready after 5m0s: context deadline exceeded';
      onStderrLine?.(failed);
      return { failure: 'aborted', stderr: failed };
    });
    await expect(
      istioctl.install(['a'], { ...quiet, onProgress: (line) => void lines.push(line) }),
    ).rejects.toMatchObject({
      reason: 'timed-out',
    });
    expect(lines).toHaveLength(2);
  });

  it('reports an interrupt as an interrupt, whatever was printed before it', async () => {
    const interrupt = new AbortController();
    processes.on(INSTALL, ({ onStderrLine }) => {
      interrupt.abort();
      onStderrLine?.('✘ Istiod encountered an error: x');
      return { failure: 'aborted' };
    });
    await expect(istioctl.install(['a'], { ...quiet, signal: interrupt.signal })).rejects.toMatchObject({
      reason: 'interrupted',
    });
  });

  it('makes all of its writes interruptible', async () => {
    processes.on(INSTALL, {});
    processes.on(CONFIGURE, {});
    await istioctl.install(['a'], quiet);
    await istioctl.configureWorkload(
      { groupFile: 'g', outputDir: 'o', ingressIp: '1.1.1.1', internalIp: '1.1.1.2' },
      quiet,
    );
    expect(processes.commands.map(({ interruptible }) => interruptible)).toEqual([true, true]);
  });

  describe('configureWorkload', () => {
    const request = { groupFile: 'g', outputDir: 'o', ingressIp: '1.1.1.1', internalIp: '1.1.1.2' };
    const withoutRootCert: Reply = {
      exitCode: 1,
      stderr: 'Error: configmap istio-ca-root-cert was not found in namespace vmns',
    };

    it('waits for the root certificate in a new namespace', async () => {
      processes.on(CONFIGURE, withoutRootCert, withoutRootCert, {});
      await istioctl.configureWorkload(request, quiet);
      expect(clock.slept).toEqual([2000, 4000]);
    });

    it('waits longer than istiod needs, and then reports what is missing', async () => {
      processes.on(CONFIGURE, withoutRootCert);
      await expect(istioctl.configureWorkload(request, quiet)).rejects.toThrow('root certificate');
      expect(clock.now()).toBeGreaterThanOrEqual(20_000);
    });

    it.each([
      ['dial tcp 10.1.1.2:6443: connect: connection refused', 'api-unreachable', [2_000, 4_000, 6_000, 8_000, 10_000]],
      ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'api-unreachable', []],
    ])('does not mistake an unreachable API server for a missing control plane: %s', async (cause, reason, slept) => {
      const get = 'Get "https://10.1.1.2:6443/api/v1/namespaces/mesh/configmaps/istio-1-19-3"';
      processes.on(CONFIGURE, {
        exitCode: 1,
        stderr: `Error: configmap istio-1-19-3 was not found in namespace mesh: ${get}: ${cause}`,
      });
      await expect(istioctl.configureWorkload(request, quiet)).rejects.toMatchObject({ reason });
      expect(clock.slept).toEqual(slept);
    });

    it('does not wait for anything else', async () => {
      processes.on(CONFIGURE, {
        exitCode: 1,
        stderr: 'Error: configmap istio-1-19-3 was not found in namespace istio-system',
      });
      await expect(istioctl.configureWorkload(request, quiet)).rejects.toThrow('revision');
      expect(clock.slept).toEqual([]);
    });
  });
});
