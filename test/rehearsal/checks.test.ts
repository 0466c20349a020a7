import { describe, expect, it } from 'vitest';
import { standInBytes } from '../../src/rehearsal/stand-in.ts';
import type { KubeObject } from '../../src/rehearsal/world.ts';
import { CHECKS } from '../../src/verify/checks.ts';
import { edit, withoutNetworkLabel } from './support/breakages.ts';
import { labThatIsUp, refusals, simulated, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';
const ENTRIES = 'workloadentries.networking.istio.io';

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a cast with a name
const spec = <T>(object: KubeObject): T => object['spec'] as T;
const restartSidecar = async (lab: Simulated): Promise<void> => {
  await lab.shell(`multipass exec -n ${VM} -- sudo systemctl restart --no-block istio`);
  await lab.pass(30_000);
};
const onVm = async (lab: Simulated, path: string, change: (text: string) => string): Promise<void> => {
  const entry = lab.machine(VM).files.get(path)!;
  entry.content = change(String(entry.content));
  await restartSidecar(lab);
};
const recreatePods = async (lab: Simulated, namespace: string): Promise<void> => {
  for (const pod of lab.cluster.list('pods').filter(({ metadata }) => metadata.namespace === namespace)) {
    lab.cluster.store.remove('pods', namespace, pod.metadata.name);
  }
  await lab.pass(60_000);
};

/** A breakage, the checks that fail, and the evidence of the first of them. */
interface Breakage {
  readonly check: string;
  readonly what: string;
  readonly breakLab: (lab: Simulated) => unknown;
  readonly failed: readonly string[];
  readonly evidence: RegExp;
  /** Settings of `verify` that differ from those of the lab. */
  readonly set?: Readonly<Record<string, string>>;
}

const THROUGH_SIDECAR = ['sidecar', 'dns', 'identity', 'vm-to-mesh', 'registration', 'health', 'mesh-to-vm'];

const BREAKAGES: readonly Breakage[] = [
  {
    check: 'nodes',
    what: 'a worker is off',
    breakLab: async (lab) => {
      await lab.shell('multipass stop k3s-worker-2');
      await lab.pass(45_000);
    },
    // istiod, the gateway's pod and pods of the sample were on it.
    failed: ['nodes', 'gateway', 'sample', 'vm-to-mesh', 'registration', 'health', 'mesh-to-vm'],
    evidence: /^not Ready with v1\.28\.15\+k3s1: k3s-worker-2 \(its machine is stopped\)$/,
  },
  {
    check: 'nodes',
    what: 'the nodes run another version of k3s than configured',
    breakLab: () => undefined,
    set: { K3S_VERSION: 'v1.27.16+k3s1' },
    failed: ['nodes'],
    evidence: /^not Ready with v1\.27\.16\+k3s1: k3s-master, k3s-worker-1, k3s-worker-2$/,
  },
  {
    check: 'versions',
    what: 'istioctl has another version',
    breakLab: async (lab) => {
      const other = standInBytes({ artifact: 'istioctl', version: '1.20.8', cpu: 'linux-amd64' });
      await lab.files.write(lab.config.paths.istioctl, other, 0o755);
    },
    failed: ['versions'],
    evidence: /^istioctl 1\.20\.8, istiod 1\.19\.3$/,
  },
  {
    check: 'istiod',
    what: 'the default tag is deleted',
    breakLab: (lab) =>
      lab.cluster.store.remove(
        'mutatingwebhookconfigurations.admissionregistration.k8s.io',
        undefined,
        'istio-revision-tag-default',
      ),
    failed: ['istiod'],
    evidence: /^istiod-1-19-3 at 10\.43\.\d+\.\d+, tag default → none$/,
  },
  {
    check: 'gateway',
    what: 'the Service lacks a port',
    breakLab: async (lab) => {
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        const service = spec<{ ports: { port: number }[] }>(object);
        service.ports = service.ports.filter(({ port }) => port !== 15018);
      });
      // Until its load balancer has restarted and the VM's sidecar has reconnected.
      await lab.pass(30_000);
    },
    failed: ['gateway'],
    evidence: /; ports 15022, 15443, 15013$/,
  },
  {
    check: 'workload-files',
    what: 'the hosts file is empty',
    breakLab: (lab) => lab.files.write(`${lab.config.paths.workloadFiles}/hosts`, '', 0o600),
    failed: ['workload-files'],
    evidence: /^hosts: empty; .*the gateway is at 192\.168\.64\.3/,
  },
  {
    check: 'sidecar',
    what: 'the sidecar does not start at boot',
    breakLab: (lab) => void (lab.machine(VM).units.get('istio')!.enabled = false),
    failed: ['sidecar'],
    evidence: /does not start at boot, active, ready$/,
  },
  {
    check: 'sidecar',
    what: 'the sidecar is stopped',
    breakLab: async (lab) => {
      await lab.shell(`multipass exec -n ${VM} -- sudo systemctl stop istio`);
      await lab.pass(30_000);
    },
    failed: THROUGH_SIDECAR,
    evidence: /starts at boot, inactive, not ready$/,
  },
  {
    check: 'dns',
    what: 'DNS is not captured',
    breakLab: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text.replace(/^ISTIO_META_DNS_CAPTURE=.*\n/m, '')),
    failed: ['dns', 'vm-to-mesh'],
    evidence: /NXDOMAIN/,
  },
  {
    check: 'identity',
    what: 'another service account is configured',
    breakLab: () => undefined,
    set: { SERVICE_ACCOUNT: 'other' },
    failed: ['identity'],
    evidence: /^spiffe:\/\/cluster\.local\/ns\/vmns\/sa\/vmsa, until /,
  },
  {
    check: 'sample',
    what: 'its namespace is not labeled for injection',
    breakLab: async (lab) => {
      edit(lab, 'namespaces', undefined, 'sample', ({ metadata }) => delete metadata.labels?.['istio.io/rev']);
      await recreatePods(lab, 'sample');
    },
    // A pod without a sidecar is not an endpoint across networks, and cannot call the VM.
    failed: ['sample', 'vm-to-mesh', 'mesh-to-vm'],
    evidence: /^without a sidecar: helloworld-v1-.*, helloworld-v2-.*, mesh-client-/,
  },
  {
    check: 'vm-to-mesh',
    what: 'the cross-network gateway is deleted',
    breakLab: (lab) =>
      lab.cluster.store.remove('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway'),
    failed: ['vm-to-mesh'],
    evidence: /hello: 503 upstream connect error/,
  },
  {
    check: 'vm-to-mesh',
    what: 'the namespace has no network label',
    breakLab: withoutNetworkLabel,
    failed: ['vm-to-mesh'],
    evidence: /hello: 503 upstream connect error.*/,
  },
  {
    check: 'sample',
    what: 'one version is scaled to 0',
    breakLab: async (lab) => {
      edit(
        lab,
        'deployments.apps',
        'sample',
        'helloworld-v2',
        (object) => (spec<{ replicas: number }>(object).replicas = 0),
      );
      await lab.pass(30_000);
    },
    failed: ['sample', 'vm-to-mesh'],
    evidence: /^helloworld-v2: /,
  },
  {
    check: 'registration',
    what: 'the entry is on another network',
    breakLab: (lab) => {
      const [entry] = lab.cluster.list(ENTRIES);
      edit(
        lab,
        ENTRIES,
        'vmns',
        entry!.metadata.name,
        (object) => (spec<{ network: string }>(object).network = 'elsewhere'),
      );
    },
    failed: ['registration'],
    evidence: /192\.168\.64\.4 on elsewhere; expected 192\.168\.64\.4 on vm-network$/,
  },
  {
    check: 'registration',
    what: 'istiod has lost the connection to the VM',
    breakLab: (lab) => {
      const [entry] = lab.cluster.list(ENTRIES);
      edit(lab, ENTRIES, 'vmns', entry!.metadata.name, ({ metadata }) => {
        metadata.annotations = { ...metadata.annotations, 'istio.io/disconnectedAt': '2026-01-05T09:03:00Z' };
      });
    },
    failed: ['registration', 'health', 'mesh-to-vm'],
    evidence: /disconnected since 2026-01-05T09:03:00Z$/,
  },
  {
    check: 'health',
    what: 'the agent has no readiness probe',
    breakLab: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text).then(() =>
        onMeshConfig(lab, (text) => text.replace(/ {2}readinessProbe:\n(?: {4}.*\n)*/, '')),
      ),
    failed: ['health'],
    evidence: /^stopped: Healthy is /,
  },
  {
    check: 'health',
    what: 'the probe uses another port',
    breakLab: (lab) => onMeshConfig(lab, (text) => text.replace('port: 8000', 'port: 8001')),
    failed: ['health', 'mesh-to-vm'],
    evidence: /^running: Healthy is False$/,
  },
  {
    check: 'mesh-to-vm',
    what: 'the route selects something else',
    breakLab: (lab) =>
      edit(
        lab,
        'services',
        'vmns',
        'external-app',
        (object) => (spec<{ selector: object }>(object).selector = { app: 'other' }),
      ),
    failed: ['mesh-to-vm'],
    evidence: /external-app\.vmns\.svc:8000\/: 503 no healthy upstream$/,
  },
  {
    check: 'mesh-to-vm',
    what: 'the route leads to a port without a listener',
    breakLab: (lab) =>
      edit(lab, 'services', 'vmns', 'external-app', (object) => {
        spec<{ ports: { targetPort: number }[] }>(object).ports[0]!.targetPort = 8001;
      }),
    failed: ['mesh-to-vm'],
    evidence: /: 503 upstream connect error/,
  },
  {
    check: 'strict',
    what: 'a policy of the namespace accepts plain traffic',
    breakLab: (lab) =>
      void lab.cluster.store.put({
        apiVersion: 'security.istio.io/v1beta1',
        kind: 'PeerAuthentication',
        metadata: { name: 'lenient', namespace: 'vmns' },
        spec: { mtls: { mode: 'PERMISSIVE' } },
      }),
    failed: ['strict'],
    evidence: /^plain before: 200 .*; plain after: 200 /,
  },
  {
    check: 'network-policy',
    what: 'another policy allows all egress',
    breakLab: (lab) =>
      void lab.cluster.store.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'all-out', namespace: 'sample' },
        spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{}] },
      }),
    failed: ['network-policy'],
    evidence: /by address block: VM served/,
  },
  {
    check: 'sidecar',
    what: 'istiod is exposed under a name without its revision',
    breakLab: async (lab) => {
      edit(lab, 'virtualservices.networking.istio.io', 'istio-system', 'istiod-vs-1-19-3', (object) => {
        for (const route of spec<{ tls: { match: { sniHosts: string[] }[] }[] }>(object).tls) {
          for (const match of route.match) match.sniHosts = ['istiod.istio-system.svc'];
        }
      });
      await restartSidecar(lab);
    },
    failed: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
  {
    check: 'sidecar',
    what: 'the CA address has the port inside the cluster',
    breakLab: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text.replace(/^(CA_ADDR=.*):15013/m, '$1:15012')),
    failed: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
  {
    check: 'sidecar',
    what: 'istiod is missing in /etc/hosts',
    breakLab: async (lab) => {
      lab.machine(VM).files.get('/var/lib/istio-vms/hosts')!.content = '';
      await restartSidecar(lab);
    },
    failed: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
];

async function onMeshConfig(lab: Simulated, change: (text: string) => string): Promise<void> {
  // The package creates `/etc/istio/config` as a link.
  const path = [...lab.machine(VM).files.keys()].find(
    (key) => key.endsWith('/config/mesh') || key === '/etc/istio/config/mesh',
  )!;
  const before = String(lab.machine(VM).files.get(path)!.content);
  expect(change(before)).not.toBe(before);
  await onVm(lab, path, change);
}

describe('a breakage is reported by exactly the checks that depend on it', () => {
  it('is in the table for every check, as the first one that fails', () => {
    expect(new Set(BREAKAGES.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
    for (const { check, failed } of BREAKAGES) expect(failed[0]).toBe(check);
  });

  it.each(BREAKAGES)('$check: $what', async ({ check, breakLab, failed, evidence, set }) => {
    const lab = watch(await labThatIsUp());
    await breakLab(lab);
    const strict = check === 'strict';
    const networkPolicy = check === 'network-policy';
    const verification = await lab.verify([], { strict, networkPolicy, ...(set === undefined ? {} : { set }) });
    const result = verification.results.find(({ name }) => name === check);
    expect(result?.evidence).toMatch(evidence);
    expect(verification.failed).toEqual(failed);
    if (check !== 'network-policy') expect(result?.hint).toBeDefined();
  });
});

describe('the checks of a healthy lab', () => {
  it('pass, each with evidence, and leave nothing behind', async () => {
    const lab = watch(await labThatIsUp());
    const objects = (): string[] =>
      [
        'namespaces',
        'services',
        'deployments.apps',
        'networkpolicies.networking.k8s.io',
        'peerauthentications.security.istio.io',
      ]
        .flatMap((kind) => lab.cluster.list(kind))
        .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    const before = objects();
    const verification = await lab.verify([], { strict: true, networkPolicy: true });
    expect(verification.results.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(verification.failed).toEqual([]);
    for (const { evidence } of verification.results) expect(evidence.length).toBeGreaterThan(5);
    await lab.pass(30_000);
    expect(objects()).toEqual(before);
    expect(lab.machine(VM).units.get('istio-vms-demo')?.active).toBe('active');
    expect((await lab.up()).changed).toEqual([]);
  });

  it('show that only an address block in a NetworkPolicy selects a VM', async () => {
    const lab = watch(await labThatIsUp());
    const { results } = await lab.verify(['network-policy']);
    expect(results[0]?.evidence).toBe(
      'by pod selector: VM served, pods served; by namespace: VM refused, pods served; by address block: VM refused, pods served; afterwards: served',
    );
  });

  it('show that STRICT refuses plain traffic and serves the mesh', async () => {
    const lab = watch(await labThatIsUp());
    const { results } = await lab.verify(['strict']);
    expect(results[0]?.evidence).toMatch(/^plain before: 200 .*; plain after: .*reset.*; mesh: 200 /);
  });
});

describe('the sample application of the checks', () => {
  it('is created when it is missing, and deleted afterwards', async () => {
    const lab = watch(await labThatIsUp());
    lab.cluster.store.remove('namespaces', undefined, 'sample');
    await lab.shell(
      `kubectl --kubeconfig ${lab.config.paths.kubeconfig} --context ${lab.config.context} --request-timeout=20s delete namespace sample --ignore-not-found --wait=true --timeout=120s`,
    );
    await lab.pass(60_000);
    const verification = await lab.verify();
    expect(verification.failed).toEqual([]);
    expect(verification.writes.some((line) => line.startsWith('kubectl apply'))).toBe(true);
    await lab.pass(30_000);
    expect(lab.cluster.get('namespaces', undefined, 'sample')).toBeUndefined();
  });

  it('is left alone when it exists but differs', async () => {
    const lab = watch(await labThatIsUp());
    edit(
      lab,
      'deployments.apps',
      'sample',
      'helloworld-v1',
      (object) => (spec<{ replicas: number }>(object).replicas = 0),
    );
    await lab.pass(30_000);
    const { failed, writes } = await lab.verify(['sample', 'vm-to-mesh']);
    expect({ failed, writes }).toEqual({ failed: ['sample', 'vm-to-mesh'], writes: [] });
    expect(lab.cluster.get('namespaces', undefined, 'sample')).toBeDefined();
    expect(lab.cluster.get('deployments.apps', 'sample', 'helloworld-v1')).toBeDefined();
  });

  it('is not needed by checks that do not use it', async () => {
    const lab = watch(await labThatIsUp());
    const { writes, failed } = await lab.verify(['nodes', 'dns', 'registration']);
    expect({ writes, failed }).toEqual({ writes: [], failed: [] });
  });
});

describe('checks of a lab with missing parts', () => {
  it('all fail with a reason when there is no cluster and no VM, and leave nothing behind', async () => {
    const lab = watch(simulated());
    const verification = await lab.verify();
    expect(verification.failed).toEqual(
      CHECKS.filter(({ optional }) => optional === undefined).map(({ name }) => name),
    );
    for (const { evidence, hint } of verification.results) {
      expect(evidence).not.toMatch(/inside istio-vms/);
      expect(hint).toBeDefined();
    }
    expect(lab.world.engine.instances.size).toBe(0);
    expect(verification.writes).toEqual([]);
  });

  it('return a report when the API server does not answer', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    const verification = await lab.verify();
    expect(verification.failed).toContain('nodes');
    expect(verification.failed).toContain('mesh-to-vm');
    expect(verification.results.length).toBe(13);
  });

  it('do not start a VM that is stopped', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass stop ${VM}`);
    const verification = await lab.verify([], { strict: true, networkPolicy: true });
    expect(lab.machine(VM).state).toBe('Stopped');
    expect(verification.results.find(({ name }) => name === 'dns')).toMatchObject({
      outcome: 'skipped',
      evidence: 'skipped: sidecar failed',
      cause: 'sidecar',
    });
    expect(verification.results.find(({ name }) => name === 'sidecar')?.evidence).toBe(`${VM} is stopped`);
    expect(verification.failed).toEqual([...THROUGH_SIDECAR, 'strict', 'network-policy']);
  });

  it('do not start a demo workload that is stopped', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass exec -n ${VM} -- sudo systemctl stop istio-vms-demo`);
    await lab.pass(30_000);
    const verification = await lab.verify();
    expect(verification.failed).toEqual(['health', 'mesh-to-vm']);
    expect(verification.results.find(({ name }) => name === 'health')?.evidence).toBe('the demo workload is inactive');
    expect(verification.writes).toEqual([]);
  });

  it('pass for the cluster when there is no VM', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass delete --purge ${VM}`);
    const verification = await lab.verify();
    expect(verification.failed).toEqual(
      expect.arrayContaining(['sidecar', 'dns', 'identity', 'vm-to-mesh', 'registration', 'health']),
    );
    expect(verification.results.filter(({ ok }) => ok).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nodes', 'versions', 'istiod', 'gateway', 'sample']),
    );
  });
});

describe('objects of the user', () => {
  it('are left unchanged by verify: a PeerAuthentication is named as the reason why the check does not run', async () => {
    const lab = watch(await labThatIsUp());
    const userObject = {
      apiVersion: 'security.istio.io/v1beta1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'istio-system', labels: { team: 'mine' } },
      spec: { mtls: { mode: 'PERMISSIVE' } },
    };
    lab.cluster.store.put(userObject);
    const { results, writes } = await lab.verify(['strict']);
    expect(results[0]).toMatchObject({
      ok: false,
      evidence: 'a PeerAuthentication default that istio-vms did not create is in istio-system',
    });
    expect(writes).toEqual([]);
    expect(lab.cluster.get('peerauthentications.security.istio.io', 'istio-system', 'default')).toMatchObject({
      metadata: { labels: { team: 'mine' } },
      spec: { mtls: { mode: 'PERMISSIVE' } },
    });
  });
});
