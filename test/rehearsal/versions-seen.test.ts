import { describe, expect, it } from 'vitest';
import { workloadLab } from '../../src/steps/workload-lab.ts';
import { vmToMesh } from '../../src/verify/traffic-checks.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

/** The number of failures in this number of runs, each with other random choices of Envoy. */
async function failures(
  simulated: Simulated,
  runs: number,
  between: () => Promise<void> = async () => undefined,
): Promise<number> {
  const plain = simulated.lab();
  const lab = workloadLab(plain, plain.config.workloads[0]);
  let failed = 0;
  for (let run = 0; run < runs; run++) {
    await between();
    const context = { say: () => undefined, signal: new AbortController().signal };
    if (!(await simulated.drive(() => vmToMesh.run(lab, context))).ok) failed++;
  }
  return failed;
}

/** Runs of the check in each test. */
const [HEALTHY, FAULTY] = [2000, 100];

describe('vm-to-mesh', () => {
  it(`never fails in ${HEALTHY} runs on a healthy lab`, { timeout: 300_000 }, async () => {
    expect(await failures(watch(await labThatIsUp()), HEALTHY)).toBe(0);
  });

  it(
    'always reports a version without a pod and a version whose pod cannot be reached',
    { timeout: 300_000 },
    async () => {
      const lab = watch(await labThatIsUp());
      // A pod without a sidecar is Ready behind the Service, but is not an endpoint across networks.
      const v2 = lab.cluster.list('pods').find(({ metadata }) => metadata.name.startsWith('helloworld-v2-'))!;
      lab.cluster.store.edit(
        'pods',
        'sample',
        v2.metadata.name,
        ({ metadata }) => delete metadata.annotations?.['istio.io/rev'],
      );
      expect(await failures(lab, FAULTY)).toBe(FAULTY);
      lab.cluster.store.edit('deployments.apps', 'sample', 'helloworld-v2', (object) => {
        (object['spec'] as { replicas: number }).replicas = 0;
      });
      await lab.pass(30_000);
      expect(await failures(lab, FAULTY)).toBe(FAULTY);
    },
  );

  it('would sometimes miss a version if connections were reused', { timeout: 300_000 }, async () => {
    const lab = watch(await labThatIsUp());
    lab.cluster.store.remove('destinationrules.networking.istio.io', 'sample', 'helloworld');
    const reconnect = async (): Promise<void> => {
      await lab.shell(`multipass exec -n ${VM} -- sudo systemctl restart --no-block istio`);
      await lab.pass(30_000);
    };
    const missed = await failures(lab, 40, reconnect);
    // With three gateway addresses and two pods, about one run in four misses a version.
    expect(missed).toBeGreaterThan(2);
    expect(missed).toBeLessThan(25);
    const { results } = await lab.verify(['sample']);
    expect(results[0]?.evidence).toBe('no DestinationRule sample/helloworld: connections would stick to one version');
    expect(results[0]?.hint).toBe('istio-vms up');
  });
});
