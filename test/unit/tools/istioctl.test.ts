import { beforeEach, describe, expect, it } from 'vitest';
import { createIstioctl, type Istioctl } from '../../../src/tools/istioctl.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { fakeProcesses, type FakeProcesses, type Reply } from '../../support/fake-processes.ts';

const VERSION = '/b/istioctl version --remote=false --output=json';
const INSTALL =
  '/b/istioctl install --kubeconfig /k --context c --filename a --skip-confirmation --readiness-timeout 300s';
const CONFIGURE =
  '/b/istioctl experimental workload entry configure --kubeconfig /k --context c --file g --output o --clusterID test --ingressIP 1.1.1.1 --internalIP 1.1.1.2 --autoregister --revision 1-19-3 --tokenDuration 3600';

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
      istio: { revision: '1-19-3', cluster: 'test' },
    };
    istioctl = createIstioctl({ processes, clock, config });
  });

  it('tells its version, and that it is not there', async () => {
    processes.on(
      VERSION,
      { stdout: '{"clientVersion":{"version":"1.19.3","revision":"x"}}' },
      { failure: 'not-found' },
    );
    expect(await istioctl.version()).toBe('1.19.3');
    expect(await istioctl.version()).toBeUndefined();
  });

  it('says so when it is another program', async () => {
    processes.on(VERSION, { stdout: 'hello' });
    await expect(istioctl.version()).rejects.toMatchObject({ reason: 'tool-failed' });
  });

  it('rides out an API that is away for a moment, with a word, and explains one that stays away', async () => {
    const away: Reply = { exitCode: 1, stderr: 'Error: dial tcp 10.1.1.2:6443: connect: connection refused' };
    processes.on(INSTALL, { stdout: 'banner' }, ...Array.from({ length: 6 }, () => away));
    const said: string[] = [];
    await istioctl.install(['a']);
    await expect(istioctl.install(['a'], (text) => void said.push(text))).rejects.toMatchObject({
      reason: 'api-unreachable',
    });
    expect(clock.slept).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(said[0]).toBe('The Kubernetes API does not answer. Trying again in 2 s.');
  });

  it('does not try again what was refused', async () => {
    processes.on(INSTALL, { exitCode: 1, stderr: 'Error: unknown field "nonsense"' });
    await expect(istioctl.install(['a'])).rejects.toMatchObject({ reason: 'tool-failed' });
    expect(clock.slept).toEqual([]);
  });

  it('sets the tag of our revision', async () => {
    processes.on('/b/istioctl tag set default --revision 1-19-3 --overwrite --kubeconfig /k --context c', {});
    await istioctl.setDefaultTag();
    expect(processes.lines).toHaveLength(1);
  });

  describe('configureWorkload', () => {
    const request = { groupFile: 'g', outputDir: 'o', ingressIp: '1.1.1.1', internalIp: '1.1.1.2' };
    const young: Reply = { exitCode: 1, stderr: 'Error: configmap istio-ca-root-cert was not found in namespace vmns' };

    it('waits for the root certificate in a young namespace', async () => {
      processes.on(CONFIGURE, young, young, {});
      await istioctl.configureWorkload(request);
      expect(clock.slept).toEqual([2000, 4000]);
    });

    it('waits longer than istiod needs, and then says what is missing', async () => {
      processes.on(CONFIGURE, young);
      await expect(istioctl.configureWorkload(request)).rejects.toThrow('root certificate');
      expect(clock.now()).toBeGreaterThanOrEqual(20_000);
    });

    it('does not wait for anything else', async () => {
      processes.on(CONFIGURE, {
        exitCode: 1,
        stderr: 'Error: configmap istio-1-19-3 was not found in namespace istio-system',
      });
      await expect(istioctl.configureWorkload(request)).rejects.toThrow('revision');
      expect(clock.slept).toEqual([]);
    });
  });
});
