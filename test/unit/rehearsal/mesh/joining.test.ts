import { describe, expect, it } from 'vitest';
import { keepCertificate, dropCertificate } from '../../../../src/rehearsal/guest/certificate.ts';
import { exposeIstiod } from '../../../../src/kube/manifests/expose.ts';
import { guestText, removeGuest, writeGuest } from '../../../../src/rehearsal/guest/files.ts';
import type { KubeObject } from '../../../../src/rehearsal/world.ts';
import { joinedLab, meshLab } from './vm.ts';

const reason = (answer: { ready: boolean; reason?: string }): string => answer.reason ?? 'ready';
const edit = (vm: Parameters<typeof guestText>[0], path: string, change: (text: string) => string): void =>
  writeGuest(vm, path, change(guestText(vm, path) ?? ''));
const CLUSTER_ENV = '/var/lib/istio/envoy/cluster.env';
const HOUR = 3_600_000;

describe('a VM with correct settings', () => {
  it('joins and registers itself with address, network, labels and owner', async () => {
    const { vm, entries, cluster } = await joinedLab();
    const [entry] = await entries();
    expect(entry?.metadata.name).toBe(`external-app-${vm.address}-vm-network`);
    expect(entry?.['spec']).toMatchObject({
      address: vm.address,
      network: 'vm-network',
      serviceAccount: 'vmsa',
      labels: { app: 'external-app' },
    });
    expect(entry?.metadata.labels['app']).toBe('external-app');
    expect(entry?.metadata.annotations).toMatchObject({
      'istio.io/autoRegistrationGroup': 'external-app',
      'proxy.istio.io/health-checks-enabled': 'true',
    });
    expect(entry?.metadata.annotations['istio.io/connectedAt']).toBeDefined();
    expect([...cluster.proxies.keys()]).toEqual(['vm-istio-external-workload.vmns']);
  });

  it.each(['1.22.8', '1.30.3'])('joins at Istio %s, where objects are returned as v1', async (version) => {
    const { entries } = await joinedLab({ version });
    expect((await entries())[0]?.['apiVersion']).toBe('networking.istio.io/v1');
  });
});

describe('a VM with one wrong setting', () => {
  it('does not join at port 15012 while the gateway exposes 15013', async () => {
    const { start } = await meshLab({ unfixed: true });
    expect(reason(await start())).toMatch(/ca request failed.*:15012: connect: connection refused/);
  });

  it('does not join when only the CA address was fixed', async () => {
    const lab = await meshLab({ unfixed: true });
    edit(lab.vm, CLUSTER_ENV, (text) => text.replace(/CA_ADDR=.*/, 'CA_ADDR=istiod-1-19-3.istio-system.svc:15013'));
    expect(reason(await lab.start())).toMatch(/xdsproxy.*:15012: connect: connection refused/);
  });

  it("does not join with the article's quote inside a word, which systemd keeps", async () => {
    const lab = await meshLab();
    edit(lab.vm, CLUSTER_ENV, (text) => text.replace(/CA_ADDR=.*/, "CA_ADDR=istiod-'1-19-3.istio-system.svc:15013'"));
    expect(reason(await lab.start())).toContain(
      "lookup istiod-'1-19-3.istio-system.svc on 127.0.0.53:53: server misbehaving",
    );
  });

  it('does not join without a line in /etc/hosts', async () => {
    const lab = await meshLab();
    writeGuest(lab.vm, '/var/lib/istio-vms/hosts', '');
    expect(reason(await lab.start())).toContain('lookup istiod-1-19-3.istio-system.svc');
  });

  it('does not join at an address without a gateway', async () => {
    const lab = await meshLab();
    writeGuest(lab.vm, '/var/lib/istio-vms/hosts', '192.168.64.99 istiod-1-19-3.istio-system.svc\n');
    expect(reason(await lab.start())).toContain('dial tcp 192.168.64.99:15013: i/o timeout');
  });

  it('does not join until istiod is exposed', async () => {
    const lab = await meshLab({ expose: false });
    expect(reason(await lab.start())).toContain('connect: connection refused');
    await lab.apply(...exposeIstiod(lab.config));
    expect(lab.mesh.sidecar(lab.vm)).toMatchObject({ ready: true });
  });

  it('does not join when the Gateway listens on the inside port', async () => {
    const lab = await meshLab({ expose: false });
    const config = { ...lab.config, gateway: { ...lab.config.gateway, istiod: { outside: 15012, inside: 15012 } } };
    await lab.apply(...exposeIstiod(config));
    expect(reason(await lab.start())).toContain('refused');
  });

  it.each([15000, 15021, 15090, 1023])(
    'does not join when the gateway uses inside port %d, on which its proxy cannot listen',
    async (inside) => {
      const lab = await meshLab();
      const { store } = lab.cluster;
      store.edit('services', 'istio-system', 'istio-eastwestgateway', (copy) => {
        const { ports } = (copy as unknown as { spec: { ports: { name: string; targetPort: number }[] } }).spec;
        for (const port of ports) if (port.name === 'tls-istiod') port.targetPort = inside;
      });
      expect(reason(await lab.start())).toContain('connect: connection refused');
    },
  );

  it('does not join when the route goes to an istiod without a revision, which a revisioned install never creates', async () => {
    const lab = await meshLab({ expose: false });
    const text = JSON.stringify(exposeIstiod(lab.config)).replaceAll(/"host":"istiod-1-19-3/g, '"host":"istiod');
    await lab.apply(...(JSON.parse(text) as object[]));
    expect(reason(await lab.start())).toContain('EOF');
  });

  it('does not join when the SNI names another revision', async () => {
    const lab = await meshLab({ expose: false });
    const text = JSON.stringify(exposeIstiod(lab.config)).replaceAll(
      /"sniHosts":\[[^\]]*\]/g,
      '"sniHosts":["istiod-9.istio-system.svc"]',
    );
    await lab.apply(...(JSON.parse(text) as object[]));
    expect(reason(await lab.start())).toContain('EOF');
  });

  it('fails without a root certificate', async () => {
    const lab = await meshLab();
    removeGuest(lab.vm, '/etc/certs/root-cert.pem');
    expect(await lab.start()).toMatchObject({ ready: false, fatal: true });
  });

  it('does not join with the root certificate of another mesh', async () => {
    const lab = await meshLab();
    writeGuest(lab.vm, '/etc/certs/root-cert.pem', '-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n');
    expect(reason(await lab.start())).toContain('x509: certificate signed by unknown authority');
  });

  it('does not join without a token, with an expired one, or with one of another cluster', async () => {
    const lab = await meshLab();
    const token = guestText(lab.vm, '/var/lib/istio-vms/istio-token') ?? '';
    removeGuest(lab.vm, '/var/lib/istio-vms/istio-token');
    expect(reason(await lab.start())).toContain('istio-token: no such file');
    writeGuest(lab.vm, '/var/lib/istio-vms/istio-token', `${token.trim()}x\n`);
    expect(reason(await lab.start())).toContain('invalid bearer token');
    writeGuest(lab.vm, '/var/lib/istio-vms/istio-token', token);
    await lab.world.clock.advance(2 * HOUR);
    expect(reason(await lab.start())).toContain('token has expired');
    await lab.place();
    expect(await lab.start()).toMatchObject({ ready: true });
  });

  it('does not join without its WorkloadGroup, or as another service account', async () => {
    const lab = await meshLab();
    const group = lab.cluster.store.get('workloadgroups.networking.istio.io', 'vmns', 'external-app') as KubeObject;
    lab.cluster.store.remove('workloadgroups.networking.istio.io', 'vmns', 'external-app');
    expect(reason(await lab.start())).toContain('cannot find WorkloadGroup vmns/external-app');
    lab.cluster.store.put({
      ...group,
      spec: { ...(group['spec'] as object), template: { serviceAccount: 'other', network: 'vm-network' } },
    });
    expect(reason(await lab.start())).toContain("does not match workload group's other");
  });
});

describe('a VM that has joined', () => {
  it('is refused with an old certificate of another service account, which is used before the token', async () => {
    const lab = await joinedLab();
    lab.stop();
    keepCertificate(lab.world, lab.vm, 'spiffe://cluster.local/ns/vmns/sa/former');
    expect(reason(await lab.start())).toContain(
      'no identities ([spiffe://cluster.local/ns/vmns/sa/former]) matched vmns/vmsa',
    );
  });

  it('needs no token for a restart while its certificate is valid, and one afterwards', async () => {
    const lab = await joinedLab();
    lab.stop();
    await lab.world.clock.advance(2 * HOUR);
    expect(await lab.start()).toMatchObject({ ready: true });
    lab.stop();
    await lab.world.clock.advance(25 * HOUR);
    expect(reason(await lab.start())).toContain('token has expired');
  });

  it('always needs the token when its unit has no PROV_CERT', async () => {
    const lab = await joinedLab();
    lab.stop();
    edit(lab.vm, '/var/lib/istio-vms/sidecar.env', (text) => text.replace(/PROV_CERT=.*\n/, ''));
    await lab.world.clock.advance(2 * HOUR);
    expect(reason(await lab.start())).toContain('token has expired');
  });

  it('loses its entry after the grace period of a clean stop, and much later after a power cut', async () => {
    const lab = await joinedLab();
    lab.stop();
    expect((await lab.entries())[0]?.metadata.annotations['istio.io/disconnectedAt']).toBeDefined();
    await lab.world.clock.advance(11_000);
    expect(await lab.entries()).toEqual([]);
    dropCertificate(lab.vm);
    await lab.place();
    await lab.start();
    lab.vm.state = 'Stopped';
    lab.mesh.stopped(lab.vm);
    await lab.world.clock.advance(30_000);
    expect(await lab.entries()).toHaveLength(1);
    await lab.world.clock.advance(60_000);
    expect(await lab.entries()).toEqual([]);
  });

  it('keeps its entry during a quick restart', async () => {
    const lab = await joinedLab();
    const [before] = await lab.entries();
    lab.stop();
    await lab.world.clock.advance(3_000);
    await lab.start();
    await lab.world.clock.advance(60_000);
    const [after] = await lab.entries();
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect(after?.metadata.annotations['istio.io/disconnectedAt']).toBeUndefined();
  });

  it('loses its entry when its group is deleted', async () => {
    const lab = await joinedLab();
    await lab.kube([
      'delete',
      'workloadgroups.networking.istio.io',
      'external-app',
      '--namespace',
      'vmns',
      '--ignore-not-found',
      '--wait=true',
      '--timeout=120s',
    ]);
    await lab.world.clock.advance(1_000);
    expect(await lab.entries()).toEqual([]);
  });

  it('loses its stream when the gateway is deleted, while Envoy keeps its configuration', async () => {
    const lab = await joinedLab();
    await lab.kube([
      'delete',
      'gateways.networking.istio.io',
      'istiod-gateway',
      '--namespace',
      'istio-system',
      '--ignore-not-found',
      '--wait=true',
      '--timeout=120s',
    ]);
    expect((await lab.entries())[0]?.metadata.annotations['istio.io/disconnectedAt']).toBeDefined();
    expect(lab.mesh.requestFromVm(lab.vm, 'http://helloworld.sample.svc:5000/hello').status).toBe(200);
    await lab.apply(...exposeIstiod(lab.config));
    await lab.world.clock.advance(30_000);
    expect((await lab.entries())[0]?.metadata.annotations['istio.io/disconnectedAt']).toBeUndefined();
  });

  it('identifies itself with its certificate', async () => {
    const lab = await joinedLab();
    const answer = JSON.parse(lab.mesh.certificates(lab.vm) ?? '{}') as {
      certificates: { cert_chain: { subject_alt_names: { uri: string }[]; expiration_time: string }[] }[];
    };
    const leaf = answer.certificates[0]?.cert_chain[0];
    expect(leaf?.subject_alt_names).toEqual([{ uri: 'spiffe://cluster.local/ns/vmns/sa/vmsa' }]);
    expect(Date.parse(leaf?.expiration_time ?? '') - lab.world.clock.now()).toBeGreaterThan(23 * HOUR);
  });

  it('is listed by istiod among its proxies', async () => {
    const lab = await joinedLab();
    const { stdout } = await lab.kube([
      'exec',
      '--namespace',
      'istio-system',
      'deployment/istiod-1-19-3',
      '--container',
      'discovery',
      '--',
      'pilot-discovery',
      'request',
      'GET',
      '/debug/syncz',
    ]);
    const proxies = JSON.parse(String(stdout)) as {
      proxy: string;
      cluster_id: string;
      cluster_sent: string;
      cluster_acked: string;
      istio_version: string;
    }[];
    const own = proxies.find(({ proxy }) => proxy === 'vm-istio-external-workload.vmns');
    expect(own).toMatchObject({ cluster_id: 'test', istio_version: '1.19.3' });
    expect(own?.cluster_sent).toBe(own?.cluster_acked);
    expect(proxies.length).toBe(6);
  });
});

describe('the health of a VM', () => {
  it('is False while the demo is stopped and True while it runs, one probe later', async () => {
    const lab = await joinedLab();
    expect(await lab.health()).toBe('True');
    lab.demo('inactive');
    expect(await lab.health()).toBe('True');
    await lab.world.clock.advance(6_000);
    expect(await lab.health()).toBe('False');
    const [entry] = await lab.entries();
    expect(entry?.['status'].conditions[0].message).toContain('connect: connection refused');
    lab.demo('active');
    await lab.world.clock.advance(6_000);
    expect(await lab.health()).toBe('True');
  });

  it('is not reported when the mesh file has no probe', async () => {
    const lab = await meshLab();
    edit(lab.vm, '/etc/istio/config/mesh', (text) => text.replace(/ {2}readinessProbe:[\s\S]*$/, ''));
    await lab.start();
    expect(await lab.health()).toBeUndefined();
  });

  it('stays False when the demo listens on another port than the probe', async () => {
    const lab = await meshLab();
    lab.demo('active');
    writeGuest(lab.vm, '/var/lib/istio-vms/demo.env', 'ISTIO_VMS_DEMO_PORT=9000\n');
    await lab.start();
    expect(await lab.health()).toBe('False');
  });
});
