import { describe, expect, it } from 'vitest';
import { networkNamespace } from '../../../../src/kube/manifests/expose.ts';
import {
  articleDenyAll,
  articleDenyEgress,
  denyEgressToVm,
  plainClientObjects,
  strictObject,
} from '../../../../src/kube/manifests/policies.ts';
import { writeGuest } from '../../../../src/rehearsal/guest/files.ts';
import { joinedLab, meshLab } from './vm.ts';

const HELLO = 'http://helloworld.sample.svc:5000/hello';
const VM = 'http://external-app.vmns.svc:8000/';
type Made = Awaited<ReturnType<typeof joinedLab>>;
const plain = ({ mesh, vm }: Made, port = 8000) =>
  mesh.requestFromPod('istio-vms-plain', 'plain-client', `http://${vm.address}:${port}/`);
const withPlain = async (): Promise<Made> => {
  const made = await joinedLab();
  await made.apply(...plainClientObjects(made.config));
  await made.world.clock.advance(20_000);
  return made;
};

describe('names on the VM', () => {
  it('fail with SERVFAIL until the sidecar has its table', async () => {
    const made = await meshLab();
    expect(made.mesh.resolve(made.vm, 'archive.ubuntu.com')).toEqual({ addresses: ['203.0.113.10'] });
    expect(made.mesh.resolve(made.vm, 'helloworld.sample.svc')).toEqual({ error: 'NXDOMAIN' });
    made.vm.rules = true;
    expect(made.mesh.resolve(made.vm, 'archive.ubuntu.com')).toEqual({ error: 'SERVFAIL' });
    await made.start();
    expect(made.mesh.resolve(made.vm, 'archive.ubuntu.com')).toEqual({ addresses: ['203.0.113.10'] });
  });

  it.each([
    'istiod-1-19-3.istio-system.svc',
    'istiod-1-19-3.istio-system',
    'istiod-1-19-3.istio-system.svc.cluster.local',
    'external-app',
  ])('resolve %s to its cluster address, whatever /etc/hosts says', async (name) => {
    const made = await joinedLab();
    const answer = made.mesh.resolve(made.vm, name);
    expect(answer).toEqual({ addresses: [expect.stringMatching(/^10\.43\./)] });
  });

  it('do not exist when they are unknown', async () => {
    const made = await joinedLab();
    expect(made.mesh.resolve(made.vm, 'helloworld')).toEqual({ error: 'NXDOMAIN' });
    expect(made.mesh.resolve(made.vm, 'nothing.sample.svc')).toEqual({ error: 'NXDOMAIN' });
  });
});

describe('traffic from VM to mesh', () => {
  const versionsOf = ({ mesh, vm }: Made): (string | undefined)[] =>
    Array.from({ length: 40 }, () => mesh.requestFromVm(vm, HELLO).body).map(
      (body) => /^Hello version: (v\d), instance: helloworld-v\d-[a-z0-9]+-[a-z0-9]+\n$/.exec(body)?.[1],
    );

  it('reaches both versions at random, with a connection for each request', async () => {
    const versions = versionsOf(await joinedLab());
    expect(new Set(versions)).toEqual(new Set(['v1', 'v2']));
  });

  it('stays with one pod for each gateway address when connections are kept', async () => {
    const made = await joinedLab();
    made.cluster.store.remove('destinationrules.networking.istio.io', 'sample', 'helloworld');
    // One address: one connection, one pod, for ever.
    made.cluster.store.edit('services', 'istio-system', 'istio-eastwestgateway', (service) => {
      service.status = { loadBalancer: { ingress: service.status?.loadBalancer.ingress?.slice(0, 1) ?? [] } };
    });
    expect(new Set(versionsOf(made)).size).toBe(1);
  });

  it('does not resolve before the sidecar runs', async () => {
    const { mesh, vm } = await meshLab();
    expect(mesh.requestFromVm(vm, HELLO)).toMatchObject({ exit: 6, status: 0 });
  });

  it('has no healthy upstream when the sample has no sidecar', async () => {
    const made = await joinedLab();
    const { cluster } = made;
    cluster.store.edit('namespaces', undefined, 'sample', (home) => delete home.metadata.labels?.['istio.io/rev']);
    for (const name of ['helloworld-v1', 'helloworld-v2'])
      await made.kube(['rollout', 'restart', `deployment/${name}`, '--namespace', 'sample']);
    await made.world.clock.advance(30_000);
    expect(made.mesh.requestFromVm(made.vm, HELLO)).toMatchObject({
      exit: 0,
      status: 503,
      body: 'no healthy upstream',
    });
  });

  it('fails without the cross-network gateway, without the network label, and when the address does not answer', async () => {
    const made = await joinedLab();
    const { store } = made.cluster;
    const gateway = store.get('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway');
    store.remove('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway');
    expect(made.mesh.requestFromVm(made.vm, HELLO).body).toContain('connection termination');
    if (gateway !== undefined) store.put(gateway);
    expect(made.mesh.requestFromVm(made.vm, HELLO).status).toBe(200);
    store.edit(
      'namespaces',
      undefined,
      'istio-system',
      (home) => delete home.metadata.labels?.['topology.istio.io/network'],
    );
    expect(made.mesh.requestFromVm(made.vm, HELLO).body).toContain('connection timeout');
    await made.apply(networkNamespace(made.config));
    for (const node of [made.server, ...made.workers]) node.state = 'Suspended';
    expect(made.mesh.requestFromVm(made.vm, HELLO).body).toContain('connection timeout');
  });
});

describe('traffic from mesh to VM', () => {
  it('reaches the demo through the Service, and curl in the pod prints it', async () => {
    const made = await joinedLab();
    const curl = [
      'curl',
      '--silent',
      '--show-error',
      '--max-time',
      '10',
      '--output',
      '-',
      '--write-out',
      '\\n%{http_code}',
      VM,
    ];
    const result = await made.kube([
      'exec',
      '--namespace',
      'sample',
      'deployment/mesh-client',
      '--container',
      'curl',
      '--',
      ...curl,
    ]);
    expect(result).toMatchObject({ exitCode: 0, stdout: `${made.shipped.sample['index.html'] ?? ''}\n200` });
    expect(made.fromMesh(HELLO).status).toBe(200);
  });

  it('has no healthy upstream once the probe has failed, and is refused before that', async () => {
    const made = await joinedLab();
    made.demo('inactive');
    expect(made.fromMesh(VM).body).toContain('delayed connect error: 111');
    await made.world.clock.advance(6_000);
    expect(made.fromMesh(VM)).toMatchObject({ status: 503, body: 'no healthy upstream' });
  });

  it('needs the Service, a name that exists, and the VM itself', async () => {
    const made = await joinedLab();
    expect(made.fromMesh('http://external-app.other.svc:8000/').exit).toBe(6);
    made.stop();
    expect(made.fromMesh(VM)).toMatchObject({ status: 503, body: 'no healthy upstream' });
  });

  it('does not reach the demo through the Service from a client without a sidecar', async () => {
    const made = await withPlain();
    expect(made.mesh.requestFromPod('istio-vms-plain', 'plain-client', VM).exit).toBe(7);
  });
});

describe('STRICT mTLS', () => {
  it('refuses plain traffic to captured ports, and accepts mesh traffic', async () => {
    const made = await withPlain();
    expect(plain(made).status).toBe(200);
    await made.apply(strictObject(made.config));
    expect(plain(made)).toMatchObject({ exit: 56, status: 0 });
    expect(made.fromMesh(VM).status).toBe(200);
    const curl = [
      'curl',
      '--silent',
      '--show-error',
      '--max-time',
      '10',
      '--output',
      '-',
      '--write-out',
      '\\n%{http_code}',
      `http://${made.vm.address}:8000/`,
    ];
    const result = await made.kube([
      'exec',
      '--namespace',
      'istio-vms-plain',
      'deployment/plain-client',
      '--container',
      'curl',
      '--',
      ...curl,
    ]);
    expect(result).toMatchObject({ exitCode: 56, stdout: '\n000' });
    expect(result.stderr).toContain('command terminated with exit code 56');
  });

  it('does not protect a port that is not captured', async () => {
    const made = await withPlain();
    await made.apply(strictObject(made.config));
    const env = '/var/lib/istio-vms/sidecar.env';
    made.stop();
    writeGuest(made.vm, env, `${String(made.vm.files.get(env)?.content)}ISTIO_INBOUND_PORTS=9999\n`);
    await made.start();
    expect(plain(made).status).toBe(200);
  });

  it('can apply to one namespace only', async () => {
    const made = await withPlain();
    const own = strictObject(made.config);
    await made.apply({ ...own, metadata: { ...own.metadata, namespace: 'sample' } });
    expect(plain(made).status).toBe(200);
    await made.apply({ ...own, metadata: { ...own.metadata, namespace: 'vmns' } });
    expect(plain(made).exit).toBe(56);
  });
});

describe('network policies', () => {
  it("select no pod with the article's first policy, which changes nothing", async () => {
    const made = await joinedLab();
    await made.apply(articleDenyAll(made.config, made.config.workloads[0]));
    expect(made.fromMesh(VM).status).toBe(200);
  });

  it("drop every destination that is not a pod with the article's second policy", async () => {
    const made = await joinedLab();
    await made.apply(articleDenyEgress(made.config, made.config.workloads[0]));
    expect(made.fromMesh(VM)).toMatchObject({ status: 503 });
    expect(made.fromMesh(VM).body).toContain('111');
    expect(made.fromMesh(HELLO).status).toBe(200);
    expect(made.fromMesh(`http://${made.server.address}:8000/`).status).toBe(503);
  });

  it('block exactly the VM with an ipBlock', async () => {
    const made = await joinedLab();
    const other = made.machine('other');
    other.units.clear();
    await made.apply(denyEgressToVm(made.config, made.vm.address));
    expect(made.fromMesh(VM).status).toBe(503);
    expect(made.fromMesh(HELLO).status).toBe(200);
    for (const [path, entry] of made.vm.files) other.files.set(path, entry);
    other.units.set('istio-vms-demo', { enabled: true, active: 'active', since: 0, restarts: 0, journal: [] });
    expect(made.fromMesh(`http://${other.address}:8000/`).status).toBe(200);
  });
});
