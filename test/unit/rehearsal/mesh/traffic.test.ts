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
type Lab = Awaited<ReturnType<typeof joinedLab>>;
const requestPlain = ({ mesh, vm }: Lab, port = 8000) =>
  mesh.requestFromPod('istio-vms-plain', 'plain-client', `http://${vm.address}:${port}/`);
const labWithPlainClient = async (): Promise<Lab> => {
  const lab = await joinedLab();
  await lab.apply(...plainClientObjects(lab.config));
  await lab.world.clock.advance(20_000);
  return lab;
};

describe('names on the VM', () => {
  it('fail with SERVFAIL until the sidecar has its table of names', async () => {
    const lab = await meshLab();
    expect(lab.mesh.resolve(lab.vm, 'archive.ubuntu.com')).toEqual({ addresses: ['203.0.113.10'] });
    expect(lab.mesh.resolve(lab.vm, 'helloworld.sample.svc')).toEqual({ error: 'NXDOMAIN' });
    lab.vm.rules = true;
    expect(lab.mesh.resolve(lab.vm, 'archive.ubuntu.com')).toEqual({ error: 'SERVFAIL' });
    await lab.start();
    expect(lab.mesh.resolve(lab.vm, 'archive.ubuntu.com')).toEqual({ addresses: ['203.0.113.10'] });
  });

  it.each([
    'istiod-1-19-3.istio-system.svc',
    'istiod-1-19-3.istio-system',
    'istiod-1-19-3.istio-system.svc.cluster.local',
    'external-app',
  ])('resolve %s to its cluster address, even with another address in /etc/hosts', async (name) => {
    const lab = await joinedLab();
    const answer = lab.mesh.resolve(lab.vm, name);
    expect(answer).toEqual({ addresses: [expect.stringMatching(/^10\.43\./)] });
  });

  it('do not exist when they are unknown', async () => {
    const lab = await joinedLab();
    expect(lab.mesh.resolve(lab.vm, 'helloworld')).toEqual({ error: 'NXDOMAIN' });
    expect(lab.mesh.resolve(lab.vm, 'nothing.sample.svc')).toEqual({ error: 'NXDOMAIN' });
  });
});

describe('traffic from VM to mesh', () => {
  const versionsOf = ({ mesh, vm }: Lab): (string | undefined)[] =>
    Array.from({ length: 40 }, () => mesh.requestFromVm(vm, HELLO).body).map(
      (body) => /^Hello version: (v\d), instance: helloworld-v\d-[a-z0-9]+-[a-z0-9]+\n$/.exec(body)?.[1],
    );

  it('reaches both versions at random, with a connection for each request', async () => {
    const versions = versionsOf(await joinedLab());
    expect(new Set(versions)).toEqual(new Set(['v1', 'v2']));
  });

  it('stays with one pod for each gateway address when connections are kept', async () => {
    const lab = await joinedLab();
    lab.cluster.store.remove('destinationrules.networking.istio.io', 'sample', 'helloworld');
    // With one address there is one connection, which stays with one pod.
    lab.cluster.store.edit('services', 'istio-system', 'istio-eastwestgateway', (service) => {
      service.status = { loadBalancer: { ingress: service.status?.loadBalancer.ingress?.slice(0, 1) ?? [] } };
    });
    expect(new Set(versionsOf(lab)).size).toBe(1);
  });

  it('does not resolve before the sidecar runs', async () => {
    const { mesh, vm } = await meshLab();
    expect(mesh.requestFromVm(vm, HELLO)).toMatchObject({ exit: 6, status: 0 });
  });

  it('has no healthy upstream when the sample has no sidecar', async () => {
    const lab = await joinedLab();
    const { cluster } = lab;
    cluster.store.edit(
      'namespaces',
      undefined,
      'sample',
      (namespace) => delete namespace.metadata.labels?.['istio.io/rev'],
    );
    for (const name of ['helloworld-v1', 'helloworld-v2'])
      await lab.kube(['rollout', 'restart', `deployment/${name}`, '--namespace', 'sample']);
    await lab.world.clock.advance(30_000);
    expect(lab.mesh.requestFromVm(lab.vm, HELLO)).toMatchObject({
      exit: 0,
      status: 503,
      body: 'no healthy upstream',
    });
  });

  it('fails without the cross-network gateway, without the network label, and when the address does not answer', async () => {
    const lab = await joinedLab();
    const { store } = lab.cluster;
    const gateway = store.get('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway');
    store.remove('gateways.networking.istio.io', 'istio-system', 'cross-network-gateway');
    expect(lab.mesh.requestFromVm(lab.vm, HELLO).body).toContain('connection termination');
    if (gateway !== undefined) store.put(gateway);
    expect(lab.mesh.requestFromVm(lab.vm, HELLO).status).toBe(200);
    store.edit(
      'namespaces',
      undefined,
      'istio-system',
      (namespace) => delete namespace.metadata.labels?.['topology.istio.io/network'],
    );
    expect(lab.mesh.requestFromVm(lab.vm, HELLO).body).toContain('connection timeout');
    await lab.apply(networkNamespace(lab.config));
    for (const node of [lab.server, ...lab.workers]) node.state = 'Suspended';
    expect(lab.mesh.requestFromVm(lab.vm, HELLO).body).toContain('connection timeout');
  });
});

describe('traffic from mesh to VM', () => {
  it('reaches the demo through the Service, and curl in the pod prints it', async () => {
    const lab = await joinedLab();
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
    const result = await lab.kube([
      'exec',
      '--namespace',
      'sample',
      'deployment/mesh-client',
      '--container',
      'curl',
      '--',
      ...curl,
    ]);
    expect(result).toMatchObject({ exitCode: 0, stdout: `${lab.shipped.sample['index.html'] ?? ''}\n200` });
    expect(lab.fromMesh(HELLO).status).toBe(200);
  });

  it('has no healthy upstream once the probe has failed, and is refused before that', async () => {
    const lab = await joinedLab();
    lab.demo('inactive');
    expect(lab.fromMesh(VM).body).toContain('delayed connect error: 111');
    await lab.world.clock.advance(6_000);
    expect(lab.fromMesh(VM)).toMatchObject({ status: 503, body: 'no healthy upstream' });
  });

  it('needs the Service, a name that exists, and the VM itself', async () => {
    const lab = await joinedLab();
    expect(lab.fromMesh('http://external-app.other.svc:8000/').exit).toBe(6);
    lab.stop();
    expect(lab.fromMesh(VM)).toMatchObject({ status: 503, body: 'no healthy upstream' });
  });

  it('does not reach the demo through the Service from a client without a sidecar', async () => {
    const lab = await labWithPlainClient();
    expect(lab.mesh.requestFromPod('istio-vms-plain', 'plain-client', VM).exit).toBe(7);
  });
});

describe('STRICT mTLS', () => {
  it('refuses plain traffic to captured ports, and accepts mesh traffic', async () => {
    const lab = await labWithPlainClient();
    expect(requestPlain(lab).status).toBe(200);
    await lab.apply(strictObject(lab.config));
    expect(requestPlain(lab)).toMatchObject({ exit: 56, status: 0 });
    expect(lab.fromMesh(VM).status).toBe(200);
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
      `http://${lab.vm.address}:8000/`,
    ];
    const result = await lab.kube([
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
    const lab = await labWithPlainClient();
    await lab.apply(strictObject(lab.config));
    const env = '/var/lib/istio-vms/sidecar.env';
    lab.stop();
    writeGuest(lab.vm, env, `${String(lab.vm.files.get(env)?.content)}ISTIO_INBOUND_PORTS=9999\n`);
    await lab.start();
    expect(requestPlain(lab).status).toBe(200);
  });

  it('can apply to one namespace only', async () => {
    const lab = await labWithPlainClient();
    const own = strictObject(lab.config);
    await lab.apply({ ...own, metadata: { ...own.metadata, namespace: 'sample' } });
    expect(requestPlain(lab).status).toBe(200);
    await lab.apply({ ...own, metadata: { ...own.metadata, namespace: 'vmns' } });
    expect(requestPlain(lab).exit).toBe(56);
  });
});

describe('network policies', () => {
  it("select no pod with the article's first policy, which has no effect", async () => {
    const lab = await joinedLab();
    await lab.apply(articleDenyAll(lab.config, lab.config.workloads[0]));
    expect(lab.fromMesh(VM).status).toBe(200);
  });

  it("drop every destination that is not a pod with the article's second policy", async () => {
    const lab = await joinedLab();
    await lab.apply(articleDenyEgress(lab.config, lab.config.workloads[0]));
    expect(lab.fromMesh(VM)).toMatchObject({ status: 503 });
    expect(lab.fromMesh(VM).body).toContain('111');
    expect(lab.fromMesh(HELLO).status).toBe(200);
    expect(lab.fromMesh(`http://${lab.server.address}:8000/`).status).toBe(503);
  });

  it('block exactly the VM with an ipBlock', async () => {
    const lab = await joinedLab();
    const other = lab.machine('other');
    other.units.clear();
    await lab.apply(denyEgressToVm(lab.config, lab.vm.address));
    expect(lab.fromMesh(VM).status).toBe(503);
    expect(lab.fromMesh(HELLO).status).toBe(200);
    for (const [path, entry] of lab.vm.files) other.files.set(path, entry);
    other.units.set('istio-vms-demo', { enabled: true, active: 'active', since: 0, restarts: 0, journal: [] });
    expect(lab.fromMesh(`http://${other.address}:8000/`).status).toBe(200);
  });
});
