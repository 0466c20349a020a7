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
const makePodsAnew = async (lab: Simulated, namespace: string): Promise<void> => {
  for (const pod of lab.cluster.list('pods').filter(({ metadata }) => metadata.namespace === namespace)) {
    lab.cluster.store.remove('pods', namespace, pod.metadata.name);
  }
  await lab.pass(60_000);
};

/** What is wrong, exactly which checks see it, and the evidence of the first. */
interface Wrong {
  readonly check: string;
  readonly what: string;
  readonly harm: (lab: Simulated) => unknown;
  readonly red: readonly string[];
  readonly evidence: RegExp;
  /** Other values for the proof than for the lab. */
  readonly set?: Readonly<Record<string, string>>;
}

const THROUGH_SIDECAR = ['sidecar', 'dns', 'identity', 'vm-to-mesh', 'registration', 'health', 'mesh-to-vm'];

const WRONGS: readonly Wrong[] = [
  {
    check: 'nodes',
    what: 'a worker is off',
    harm: async (lab) => {
      await lab.shell('multipass stop k3s-worker-2');
      await lab.pass(45_000);
    },
    // istiod, the gateway's pod and pods of the sample were on it.
    red: ['nodes', 'gateway', 'sample', 'vm-to-mesh', 'registration', 'health', 'mesh-to-vm'],
    evidence: /^not Ready with v1\.28\.15\+k3s1: k3s-worker-2 \(its machine is stopped\)$/,
  },
  {
    check: 'nodes',
    what: 'the nodes run another k3s than is wanted',
    harm: () => undefined,
    set: { K3S_VERSION: 'v1.27.16+k3s1' },
    red: ['nodes'],
    evidence: /^not Ready with v1\.27\.16\+k3s1: k3s-master, k3s-worker-1, k3s-worker-2$/,
  },
  {
    check: 'versions',
    what: 'istioctl is of another version',
    harm: async (lab) => {
      const other = standInBytes({ artifact: 'istioctl', version: '1.20.8', cpu: 'linux-amd64' });
      await lab.files.write(lab.config.paths.istioctl, other, 0o755);
    },
    red: ['versions'],
    evidence: /^istioctl 1\.20\.8, istiod 1\.19\.3$/,
  },
  {
    check: 'istiod',
    what: 'the default tag is gone',
    harm: (lab) =>
      lab.cluster.store.remove(
        'mutatingwebhookconfigurations.admissionregistration.k8s.io',
        undefined,
        'istio-revision-tag-default',
      ),
    red: ['istiod'],
    evidence: /^istiod-1-19-3 at 10\.43\.\d+\.\d+, tag default → none$/,
  },
  {
    check: 'gateway',
    what: 'the Service lacks a port',
    harm: async (lab) => {
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        const service = spec<{ ports: { port: number }[] }>(object);
        service.ports = service.ports.filter(({ port }) => port !== 15018);
      });
      // Its load balancer starts anew, and the VM's sidecar connects again.
      await lab.pass(30_000);
    },
    red: ['gateway'],
    evidence: /; ports 15022, 15443, 15013$/,
  },
  {
    check: 'workload-files',
    what: 'hosts is empty',
    harm: (lab) => lab.files.write(`${lab.config.paths.workloadFiles}/hosts`, '', 0o600),
    red: ['workload-files'],
    evidence: /^hosts: empty; .*the gateway is at 192\.168\.64\.3/,
  },
  {
    check: 'sidecar',
    what: 'it does not start at boot',
    harm: (lab) => void (lab.machine(VM).units.get('istio')!.enabled = false),
    red: ['sidecar'],
    evidence: /does not start at boot, active, ready$/,
  },
  {
    check: 'sidecar',
    what: 'it is stopped',
    harm: async (lab) => {
      await lab.shell(`multipass exec -n ${VM} -- sudo systemctl stop istio`);
      await lab.pass(30_000);
    },
    red: THROUGH_SIDECAR,
    evidence: /starts at boot, inactive, not ready$/,
  },
  {
    check: 'dns',
    what: 'DNS is not captured',
    harm: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text.replace(/^ISTIO_META_DNS_CAPTURE=.*\n/m, '')),
    red: ['dns', 'vm-to-mesh'],
    evidence: /NXDOMAIN/,
  },
  {
    check: 'identity',
    what: 'another service account is wanted',
    harm: () => undefined,
    set: { SERVICE_ACCOUNT: 'other' },
    red: ['identity'],
    evidence: /^spiffe:\/\/cluster\.local\/ns\/vmns\/sa\/vmsa, until /,
  },
  {
    check: 'sample',
    what: 'its namespace is plain',
    harm: async (lab) => {
      edit(lab, 'namespaces', undefined, 'sample', ({ metadata }) => delete metadata.labels?.['istio.io/rev']);
      await makePodsAnew(lab, 'sample');
    },
    // A pod without a sidecar is no endpoint across networks, and no client of the VM.
    red: ['sample', 'vm-to-mesh', 'mesh-to-vm'],
    evidence: /^without a sidecar: helloworld-v1-.*, helloworld-v2-.*, mesh-client-/,
  },
  {
    check: 'vm-to-mesh',
    what: 'there is no cross-network gateway',
    harm: (lab) => lab.cluster.store.remove('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway'),
    red: ['vm-to-mesh'],
    evidence: /hello: 503 upstream connect error/,
  },
  {
    check: 'vm-to-mesh',
    what: 'the namespace has no network label',
    harm: withoutNetworkLabel,
    red: ['vm-to-mesh'],
    evidence: /hello: 503 upstream connect error.*/,
  },
  {
    check: 'sample',
    what: 'one version is scaled away',
    harm: async (lab) => {
      edit(
        lab,
        'deployments.apps',
        'sample',
        'helloworld-v2',
        (object) => (spec<{ replicas: number }>(object).replicas = 0),
      );
      await lab.pass(30_000);
    },
    red: ['sample', 'vm-to-mesh'],
    evidence: /^helloworld-v2: /,
  },
  {
    check: 'registration',
    what: 'the entry is on another network',
    harm: (lab) => {
      const [entry] = lab.cluster.list(ENTRIES);
      edit(
        lab,
        ENTRIES,
        'vmns',
        entry!.metadata.name,
        (object) => (spec<{ network: string }>(object).network = 'elsewhere'),
      );
    },
    red: ['registration'],
    evidence: /192\.168\.64\.4 on elsewhere; expected 192\.168\.64\.4 on vm-network$/,
  },
  {
    check: 'registration',
    what: 'the entry is of a machine that istiod lost',
    harm: (lab) => {
      const [entry] = lab.cluster.list(ENTRIES);
      edit(lab, ENTRIES, 'vmns', entry!.metadata.name, ({ metadata }) => {
        metadata.annotations = { ...metadata.annotations, 'istio.io/disconnectedAt': '2026-01-05T09:03:00Z' };
      });
    },
    red: ['registration', 'health', 'mesh-to-vm'],
    evidence: /disconnected since 2026-01-05T09:03:00Z$/,
  },
  {
    check: 'health',
    what: 'the agent was given no probe',
    harm: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text).then(() =>
        onMesh(lab, (text) => text.replace(/ {2}readinessProbe:\n(?: {4}.*\n)*/, '')),
      ),
    red: ['health'],
    evidence: /^stopped: Healthy is /,
  },
  {
    check: 'health',
    what: 'the probe asks another port',
    harm: (lab) => onMesh(lab, (text) => text.replace('port: 8000', 'port: 8001')),
    red: ['health', 'mesh-to-vm'],
    evidence: /^running: Healthy is False$/,
  },
  {
    check: 'mesh-to-vm',
    what: 'the route selects something else',
    harm: (lab) =>
      edit(
        lab,
        'services',
        'vmns',
        'external-app',
        (object) => (spec<{ selector: object }>(object).selector = { app: 'other' }),
      ),
    red: ['mesh-to-vm'],
    evidence: /external-app\.vmns\.svc:8000\/: 503 no healthy upstream$/,
  },
  {
    check: 'mesh-to-vm',
    what: 'the route leads to a port where nobody listens',
    harm: (lab) =>
      edit(lab, 'services', 'vmns', 'external-app', (object) => {
        spec<{ ports: { targetPort: number }[] }>(object).ports[0]!.targetPort = 8001;
      }),
    red: ['mesh-to-vm'],
    evidence: /: 503 upstream connect error/,
  },
  {
    check: 'strict',
    what: 'a policy of the namespace takes plain text',
    harm: (lab) =>
      void lab.cluster.store.put({
        apiVersion: 'security.istio.io/v1beta1',
        kind: 'PeerAuthentication',
        metadata: { name: 'lenient', namespace: 'vmns' },
        spec: { mtls: { mode: 'PERMISSIVE' } },
      }),
    red: ['strict'],
    evidence: /^plain before: 200 .*; plain after: 200 /,
  },
  {
    check: 'network-policy',
    what: 'another policy lets everything out',
    harm: (lab) =>
      void lab.cluster.store.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'all-out', namespace: 'sample' },
        spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{}] },
      }),
    red: ['network-policy'],
    evidence: /by address block: VM served/,
  },
  {
    check: 'sidecar',
    what: 'istiod is exposed under a name without its revision',
    harm: async (lab) => {
      edit(lab, 'virtualservices.networking.istio.io', 'istio-system', 'istiod-vs-1-19-3', (object) => {
        for (const route of spec<{ tls: { match: { sniHosts: string[] }[] }[] }>(object).tls) {
          for (const match of route.match) match.sniHosts = ['istiod.istio-system.svc'];
        }
      });
      await restartSidecar(lab);
    },
    red: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
  {
    check: 'sidecar',
    what: 'the CA is dialled on its inner port',
    harm: (lab) =>
      onVm(lab, '/var/lib/istio/envoy/cluster.env', (text) => text.replace(/^(CA_ADDR=.*):15013/m, '$1:15012')),
    red: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
  {
    check: 'sidecar',
    what: 'istiod has no line in /etc/hosts',
    harm: async (lab) => {
      lab.machine(VM).files.get('/var/lib/istio-vms/hosts')!.content = '';
      await restartSidecar(lab);
    },
    red: THROUGH_SIDECAR,
    evidence: /not ready$/,
  },
];

async function onMesh(lab: Simulated, change: (text: string) => string): Promise<void> {
  // `/etc/istio/config` is a link of the package.
  const path = [...lab.machine(VM).files.keys()].find(
    (key) => key.endsWith('/config/mesh') || key === '/etc/istio/config/mesh',
  )!;
  const before = String(lab.machine(VM).files.get(path)!.content);
  expect(change(before)).not.toBe(before);
  await onVm(lab, path, change);
}

describe('a fault is reported by exactly the checks that look at it', () => {
  it('has a fault here for every check that only this check, or this check first, can see', () => {
    expect(new Set(WRONGS.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
    for (const { check, red } of WRONGS) expect(red[0]).toBe(check);
  });

  it.each(WRONGS)('$check: $what', async ({ check, harm, red, evidence, set }) => {
    const lab = watch(await labThatIsUp());
    await harm(lab);
    const strict = check === 'strict';
    const networkPolicy = check === 'network-policy';
    const proofs = await lab.verify([], { strict, networkPolicy, ...(set === undefined ? {} : { set }) });
    const result = proofs.results.find(({ name }) => name === check);
    expect(result?.evidence).toMatch(evidence);
    expect(proofs.red).toEqual(red);
    if (check !== 'network-policy') expect(result?.hint).toBeDefined();
  });
});

describe('all checks of a healthy lab', () => {
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
    const proofs = await lab.verify([], { strict: true, networkPolicy: true });
    expect(proofs.results.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(proofs.red).toEqual([]);
    for (const { evidence } of proofs.results) expect(evidence.length).toBeGreaterThan(5);
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
    const proofs = await lab.verify();
    expect(proofs.red).toEqual([]);
    expect(proofs.writes.some((line) => line.startsWith('kubectl apply'))).toBe(true);
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
    const { red, writes } = await lab.verify(['sample', 'vm-to-mesh']);
    expect({ red, writes }).toEqual({ red: ['sample', 'vm-to-mesh'], writes: [] });
    expect(lab.cluster.get('namespaces', undefined, 'sample')).toBeDefined();
    expect(lab.cluster.get('deployments.apps', 'sample', 'helloworld-v1')).toBeDefined();
  });

  it('is not asked for by checks that do not use it', async () => {
    const lab = watch(await labThatIsUp());
    const { writes, red } = await lab.verify(['nodes', 'dns', 'registration']);
    expect({ writes, red }).toEqual({ writes: [], red: [] });
  });
});

describe('checks of a lab with missing parts', () => {
  it('all fail with a reason when there is no cluster and no VM, and leave nothing behind', async () => {
    const lab = watch(simulated());
    const proofs = await lab.verify();
    expect(proofs.red).toEqual(CHECKS.filter(({ optional }) => optional === undefined).map(({ name }) => name));
    for (const { evidence, hint } of proofs.results) {
      expect(evidence).not.toMatch(/inside istio-vms/);
      expect(hint).toBeDefined();
    }
    expect(lab.world.engine.instances.size).toBe(0);
    expect(proofs.writes).toEqual([]);
  });

  it('return a report when the API server does not answer', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    const proofs = await lab.verify();
    expect(proofs.red).toContain('nodes');
    expect(proofs.red).toContain('mesh-to-vm');
    expect(proofs.results.length).toBe(13);
  });

  it('do not start a VM that is stopped', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass stop ${VM}`);
    const proofs = await lab.verify([], { strict: true, networkPolicy: true });
    expect(lab.machine(VM).state).toBe('Stopped');
    expect(proofs.results.find(({ name }) => name === 'dns')).toMatchObject({
      outcome: 'skipped',
      evidence: 'skipped: sidecar failed',
      cause: 'sidecar',
    });
    expect(proofs.results.find(({ name }) => name === 'sidecar')?.evidence).toBe(`${VM} is stopped`);
    expect(proofs.red).toEqual([...THROUGH_SIDECAR, 'strict', 'network-policy']);
  });

  it('do not start a demo workload that is stopped', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass exec -n ${VM} -- sudo systemctl stop istio-vms-demo`);
    await lab.pass(30_000);
    const proofs = await lab.verify();
    expect(proofs.red).toEqual(['health', 'mesh-to-vm']);
    expect(proofs.results.find(({ name }) => name === 'health')?.evidence).toBe('the demo workload is inactive');
    expect(proofs.writes).toEqual([]);
  });

  it('pass for the cluster when there is no VM', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass delete --purge ${VM}`);
    const proofs = await lab.verify();
    expect(proofs.red).toEqual(
      expect.arrayContaining(['sidecar', 'dns', 'identity', 'vm-to-mesh', 'registration', 'health']),
    );
    expect(proofs.results.filter(({ ok }) => ok).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nodes', 'versions', 'istiod', 'gateway', 'sample']),
    );
  });
});

describe("what is the user's own", () => {
  it('leaves a PeerAuthentication of the user alone and says why the check does not run', async () => {
    const lab = watch(await labThatIsUp());
    const theirs = {
      apiVersion: 'security.istio.io/v1beta1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'istio-system', labels: { team: 'mine' } },
      spec: { mtls: { mode: 'PERMISSIVE' } },
    };
    lab.cluster.store.put(theirs);
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
