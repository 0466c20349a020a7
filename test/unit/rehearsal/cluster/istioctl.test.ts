import { parse, stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { controlPlane } from '../../../../src/kube/manifests/control-plane.ts';
import { eastWestGateway } from '../../../../src/kube/manifests/east-west-gateway.ts';
import { workloadGroup, workloadObjects } from '../../../../src/kube/manifests/workload.ts';
import { parseEnvFile } from '../../../../src/guest/env-file.ts';
import { readyLab, type Lab } from './lab.ts';

const INJECTORS = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
const tags = async ({ items }: Lab): Promise<unknown[]> =>
  (await items(INJECTORS, 'istio.io/tag=default')).map(({ metadata }) => metadata.labels['istio.io/rev']);
const withoutName = (object: object): object => ({ ...object, metadata: {} });

describe('istioctl install', () => {
  it('creates the namespace with its network, a revisioned istiod, the ingress gateway, webhooks and the default tag', async () => {
    const lab = await readyLab();
    const before = lab.world.clock.now();
    expect(await lab.installIstio()).toMatchObject({ exitCode: 0 });
    expect(lab.world.clock.now() - before).toBeGreaterThan(15_000);
    expect(lab.world.clock.now() - before).toBeLessThan(60_000);
    const namespace = (await lab.items('namespaces')).find(({ metadata }) => metadata.name === 'istio-system');
    expect(namespace?.metadata.labels['topology.istio.io/network']).toBe('kube-network');
    const pods = (await lab.items('pods')).filter(({ metadata }) => metadata.namespace === 'istio-system');
    expect(pods.map((pod) => pod['spec'].containers[0].image).sort()).toEqual([
      'docker.io/istio/pilot:1.19.3',
      'docker.io/istio/proxyv2:1.19.3',
    ]);
    expect(await tags(lab)).toEqual(['1-19-3']);
    expect((await lab.items('services')).map(({ metadata }) => metadata.name)).toContain('istiod-1-19-3');
  });

  it('gives the ingress gateway port 15443 with profile demo', async () => {
    const lab = await readyLab();
    const plane = controlPlane(lab.config);
    const spec = { ...(plane['spec'] as object), profile: 'demo' };
    await lab.install({ ...plane, spec });
    const ingress = (await lab.items('services')).find(({ metadata }) => metadata.name === 'istio-ingressgateway');
    expect(ingress?.['spec'].ports.map(({ port }: { port: number }) => port)).toEqual([15021, 80, 443, 31400, 15443]);
  });

  it('times out after 300s when istiod does not fit, and succeeds with a smaller request', async () => {
    const big = await readyLab({
      workerMemory: '2G',
      k3sConfig: { 'node-taint': ['a=b:NoSchedule'], disable: ['traefik', 'metrics-server'] },
    });
    const before = big.world.clock.now();
    const result = await big.installIstio();
    expect(result).toMatchObject({ exitCode: 1 });
    expect(result.stderr).toContain('resources not ready after 5m0s: context deadline exceeded');
    expect(big.world.clock.now() - before).toBeGreaterThan(300_000);
    const small = await readyLab({ small: true, workerMemory: '2G' });
    expect((await small.installIstio()).exitCode).toBe(0);
  });

  it('installs on an unsupported Kubernetes, with a warning on stdout and progress on stderr', async () => {
    const lab = await readyLab({ version: '1.30.3' });
    expect((await lab.installIstio()).exitCode).toBe(0);
    const old = await readyLab();
    await old.files.write(
      old.config.paths.istioctl,
      '{"artifact":"istioctl","version":"1.30.3","cpu":"linux-amd64"}\n',
      0o755,
    );
    const result = await old.installIstio();
    // The install continues after the warning.
    expect(result.stderr).toContain('✔ Istio core installed');
    expect(result.stdout).toContain('The minimum supported Kubernetes version is 1.32');
  });

  it('rejects unknown fields from 1.24 on', async () => {
    const withUnknownField = (lab: Lab) => ({
      ...controlPlane(lab.config),
      spec: { ...(controlPlane(lab.config)['spec'] as object), components: { pilot: { k8s: { resource: {} } } } },
    });
    const late = await readyLab({ version: '1.24.6' });
    expect((await late.install(withUnknownField(late))).stderr).toContain(
      'could not unmarshal: json: unknown field "resource"',
    );
    const early = await readyLab({ version: '1.22.8' });
    expect((await early.install(withUnknownField(early))).exitCode).toBe(0);
  });

  it('lets an overlay override values', async () => {
    const lab = await readyLab();
    await lab.install(controlPlane(lab.config), {
      apiVersion: 'install.istio.io/v1alpha1',
      kind: 'IstioOperator',
      spec: { profile: 'minimal', components: { pilot: { k8s: { resources: { requests: { memory: '300Mi' } } } } } },
    });
    const [istiod] = await lab.items('deployments.apps', 'app=istiod');
    expect(istiod?.['spec'].template.spec.containers[0].resources.requests.memory).toBe('300Mi');
    expect((await lab.items('services')).map(({ metadata }) => metadata.name)).not.toContain('istio-ingressgateway');
  });

  it.each([
    ['1.19.3', false],
    ['1.19.10', true],
    ['1.20.8', true],
    ['1.22.8', true],
  ])('keeps the tag when %s is installed twice: %s (#47423)', async (version, keeps) => {
    const lab = await readyLab({ version });
    await lab.installIstio();
    await lab.installIstio();
    expect((await tags(lab)).length > 0).toBe(keeps);
    const set = ['tag', 'set', 'default', '--revision', lab.config.istio.revision, '--overwrite', ...lab.access];
    expect((await lab.istio(set)).exitCode).toBe(0);
    expect(await tags(lab)).toEqual([lab.config.istio.revision]);
  });

  it.each([
    ['1.24.6', true],
    ['1.22.8', false],
  ])('prunes the gateway in %s when a file without a name is installed after it: %s', async (version, prunes) => {
    const lab = await readyLab({ version });
    await lab.installIstio();
    await lab.installGateway();
    await lab.install(withoutName(controlPlane(lab.config)));
    const names = (await lab.items('services')).map(({ metadata }) => metadata.name);
    expect(names.includes('istio-eastwestgateway')).toBe(!prunes);
  });

  it('exits with 0 while a port clash leaves the gateway pending', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    const config = { ...lab.config, gateway: { ...lab.config.gateway, status: { outside: 15021, inside: 15021 } } };
    expect((await lab.install(eastWestGateway(config))).exitCode).toBe(0);
    await lab.world.clock.advance(60_000);
    const gateway = (await lab.items('services')).find(({ metadata }) => metadata.name === 'istio-eastwestgateway');
    expect(gateway?.['status'].loadBalancer).toEqual({});
    await lab.installGateway();
    await lab.world.clock.advance(60_000);
    const updated = (await lab.items('services')).find(({ metadata }) => metadata.name === 'istio-eastwestgateway');
    expect(updated?.['status'].loadBalancer.ingress).toHaveLength(3);
  });

  it('gives the port of istiod to another Service with the fault gateway-port-conflict', async () => {
    const lab = await readyLab();
    lab.world.faults.add('gateway-port-conflict');
    await lab.installIstio();
    await lab.installGateway();
    await lab.world.clock.advance(60_000);
    const services = await lab.items('services');
    expect(services.find(({ metadata }) => metadata.name === 'istio-eastwestgateway')?.['status'].loadBalancer).toEqual(
      {},
    );
    expect(services.find(({ metadata }) => metadata.name === 'already-here')?.['spec'].ports[0].port).toBe(15013);
  });

  it('never makes a gateway ready without its control plane', async () => {
    const lab = await readyLab();
    expect((await lab.installGateway()).stderr).toContain('resources not ready after 5m0s: context deadline exceeded');
  });
});

describe('the injection of sidecars', () => {
  it('follows the revision label, and waits for istiod', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    const namespaceObject = (name: string, labels: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
    const client = (namespace: string) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'c', namespace },
      spec: {
        selector: { matchLabels: { app: 'c' } },
        template: {
          metadata: { labels: { app: 'c' } },
          spec: { containers: [{ name: 'curl', image: 'curlimages/curl:8.4.0' }] },
        },
      },
    });
    await lab.apply(
      namespaceObject('a', { 'istio.io/rev': '1-19-3' }),
      namespaceObject('b', { 'istio-injection': 'enabled' }),
      namespaceObject('d', { 'istio.io/rev': '9' }),
      namespaceObject('e', {}),
    );
    await lab.apply(client('a'), client('b'), client('d'), client('e'));
    await lab.world.clock.advance(30_000);
    const pods = await lab.items('pods', 'app=c');
    const counts = Object.fromEntries(
      pods.map((pod) => [pod.metadata.namespace, pod['status'].containerStatuses.length]),
    );
    expect(counts).toEqual({ a: 2, b: 2, d: 1, e: 1 });
  });
});

describe('istioctl experimental workload entry configure', () => {
  const configure = async (lab: Lab, more: { revision?: string; ingressIP?: string } = {}) => {
    await lab.files.write('/lab/.tmp/group.yaml', stringify(workloadGroup(lab.config, lab.config.workloads[0])));
    return lab.istio([
      'experimental',
      'workload',
      'entry',
      'configure',
      ...lab.access,
      '--file',
      '/lab/.tmp/group.yaml',
      '--output',
      '/lab/.data/workload-files',
      '--clusterID',
      'test',
      '--ingressIP',
      more.ingressIP ?? '192.168.64.3',
      '--internalIP',
      '192.168.64.9',
      '--autoregister',
      '--revision',
      more.revision ?? lab.config.istio.revision,
      '--tokenDuration',
      '3600',
    ]);
  };
  const text = (lab: Lab, name: string) => lab.files.readText(`/lab/.data/workload-files/${name}`);

  it('stops at the missing root certificate in a new namespace, with the earlier files written', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    lab.world.faults.add('root-cert-late');
    await lab.apply(...workloadObjects(lab.config, lab.config.workloads[0]));
    expect((await configure(lab)).stderr).toContain('configmap istio-ca-root-cert was not found in namespace vmns');
    expect(await text(lab, 'cluster.env')).toBeDefined();
    expect(await text(lab, 'istio-token')).toBeUndefined();
    await lab.world.clock.advance(10_000);
    expect((await configure(lab)).exitCode).toBe(1);
    await lab.world.clock.advance(10_000);
    expect(await configure(lab)).toMatchObject({ exitCode: 0 });
  });

  it('writes five files with mode 0744 and port 15012, whatever the gateway uses', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    await lab.apply(...workloadObjects(lab.config, lab.config.workloads[0]));
    await lab.world.clock.advance(5_000);
    await configure(lab);
    expect(await lab.files.list('/lab/.data/workload-files')).toEqual([
      'cluster.env',
      'hosts',
      'istio-token',
      'mesh.yaml',
      'root-cert.pem',
    ]);
    expect((await lab.files.stat('/lab/.data/workload-files/istio-token'))?.mode).toBe(0o744);
    const raw = (await text(lab, 'cluster.env')) ?? '';
    expect(raw.split('\n')).toContain("ISTIO_INBOUND_PORTS='*'");
    expect(raw.trim().split('\n')).toEqual(raw.trim().split('\n').toSorted());
    expect(Object.fromEntries(parseEnvFile(raw))).toMatchObject({
      CA_ADDR: 'istiod-1-19-3.istio-system.svc:15012',
      ISTIO_META_NETWORK: 'vm-network',
      ISTIO_META_AUTO_REGISTER_GROUP: 'external-app',
      ISTIO_SVC_IP: '192.168.64.9',
      ISTIO_META_MESH_ID: 'vmmesh',
      ISTIO_META_CLUSTER_ID: 'test',
      SERVICE_ACCOUNT: 'vmsa',
      ISTIO_META_DNS_CAPTURE: 'true',
    });
    const mesh = parse((await text(lab, 'mesh.yaml')) ?? '') as { defaultConfig: Record<string, unknown> };
    expect(mesh.defaultConfig).toMatchObject({
      discoveryAddress: 'istiod-1-19-3.istio-system.svc:15012',
      readinessProbe: { periodSeconds: 5 },
    });
    expect(await text(lab, 'hosts')).toBe('192.168.64.3 istiod-1-19-3.istio-system.svc\n');
    const claims = JSON.parse(
      Buffer.from(((await text(lab, 'istio-token')) ?? '').split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>;
    expect(claims).toMatchObject({ aud: ['istio-ca'], sub: 'system:serviceaccount:vmns:vmsa' });
    expect(Number(claims['exp']) * 1000 - lab.world.clock.now()).toBeGreaterThan(3_500_000);
  });

  it('leaves hosts empty and exits with 0 when there is no address', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    await lab.apply(...workloadObjects(lab.config, lab.config.workloads[0]));
    await lab.world.clock.advance(5_000);
    expect((await configure(lab, { ingressIP: 'pending' })).exitCode).toBe(0);
    expect(await text(lab, 'hosts')).toBe('');
  });

  it('reports a wrong revision and a missing service account', async () => {
    const lab = await readyLab();
    await lab.installIstio();
    expect((await configure(lab, { revision: '1-18-0' })).stderr).toContain('configmap istio-1-18-0 was not found');
    await lab.apply(
      ...workloadObjects(lab.config, lab.config.workloads[0]).filter(({ kind }) => kind !== 'ServiceAccount'),
    );
    await lab.world.clock.advance(5_000);
    expect((await configure(lab)).stderr).toContain(
      'could not create a token under service account vmsa in namespace vmns',
    );
  });
});

describe('the simulated istioctl', () => {
  it.each([
    [['uninstall', '--purge'], 'istioctl uninstall --purge'],
    [['version', '--output=json'], 'istioctl version --output=json'],
    [['install', '--set', 'x=y'], 'istioctl --set'],
  ])('refuses the unsupported command %j', async (args, refused) => {
    const { istio } = await readyLab();
    expect(await istio(args)).toMatchObject({ exitCode: 64, refused });
  });

  it('reports its version', async () => {
    const { istio } = await readyLab();
    const { stdout } = await istio(['version', '--remote=false', '--output=json']);
    expect((JSON.parse(String(stdout)) as { clientVersion: { version: string } }).clientVersion.version).toBe('1.19.3');
  });
});
