import { describe, expect, it } from 'vitest';
import { kubectl } from '../../../../src/rehearsal/host/kubectl.ts';
import { createLab, readyLab } from './lab.ts';

const GET = ['get', 'nodes', '--ignore-not-found', '--output=json'];

describe('the connection of the simulated kubectl', () => {
  it('needs the kubeconfig and its context', async () => {
    const lab = createLab();
    expect(await lab.kube(GET)).toMatchObject({
      exitCode: 1,
      stderr: `error: stat ${lab.config.paths.kubeconfig}: no such file or directory\n`,
    });
    await lab.files.write(lab.config.paths.kubeconfig, lab.cluster.kubeconfig());
    expect((await lab.kube(GET)).stderr).toBe('error: context "istio-vms-test-lab" does not exist\n');
  });

  it('is refused at loopback, and times out at an unused address', async () => {
    const lab = await readyLab();
    await lab.writeKubeconfig(lab.cluster, '127.0.0.1');
    expect((await lab.kube(GET)).stderr).toContain(
      'The connection to the server 127.0.0.1:6443 was refused - did you specify',
    );
    await lab.writeKubeconfig(lab.cluster, '192.168.64.99');
    const before = lab.world.clock.now();
    expect((await lab.kube(GET)).stderr).toContain('Unable to connect to the server');
    expect(lab.world.clock.now() - before).toBe(20_000);
  });

  it('is refused at a worker, and while k3s or its machine is down', async () => {
    const lab = await readyLab();
    await lab.writeKubeconfig(lab.cluster, lab.workers[0]?.address);
    expect((await lab.kube(GET)).stderr).toContain('was refused');
    await lab.writeKubeconfig(lab.cluster);
    const unit = lab.server.units.get('k3s') as { active: string };
    unit.active = 'activating';
    expect((await lab.kube(GET)).stderr).toContain('was refused');
    unit.active = 'active';
    expect((await lab.kube(GET)).exitCode).toBe(0);
    lab.server.state = 'Stopped';
    expect((await lab.kube(GET)).stderr).toContain('Unable to connect');
  });

  it('is not trusted after the cluster was recreated', async () => {
    const lab = await readyLab();
    lab.startCluster();
    expect((await lab.kube(GET)).stderr).toContain('x509: certificate signed by unknown authority');
  });
});

describe('kubectl get', () => {
  it('returns a List, an object by name, and nothing for a missing name', async () => {
    const { kube, server } = await readyLab();
    const list = JSON.parse(String((await kube(GET)).stdout)) as { kind: string; items: unknown[] };
    expect([list.kind, list.items.length]).toEqual(['List', 3]);
    const one = JSON.parse(
      String((await kube(['get', 'nodes', server.name, '--ignore-not-found', '--output=json'])).stdout),
    ) as { kind: string };
    expect(one.kind).toBe('Node');
    expect(await kube(['get', 'nodes', 'ghost', '--ignore-not-found', '--output=json'])).toEqual({ exitCode: 0 });
    expect((await kube(['get', 'nodes', 'ghost', '--output=json'])).stderr).toBe(
      'Error from server (NotFound): nodes "ghost" not found\n',
    );
  });

  it('knows Istio kinds only after their CRDs are installed', async () => {
    const { kube, installIstio } = await readyLab();
    const get = [
      'get',
      'workloadentries.networking.istio.io',
      '--all-namespaces',
      '--ignore-not-found',
      '--output=json',
    ];
    expect(await kube(get)).toMatchObject({
      exitCode: 1,
      stderr: `error: the server doesn't have a resource type "workloadentries.networking.istio.io"\n`,
    });
    await installIstio();
    expect((await kube(get)).exitCode).toBe(0);
  });

  it('accepts several kinds and a selector', async () => {
    const { kube } = await readyLab();
    const { stdout } = await kube([
      'get',
      'services,pods',
      '--namespace',
      'kube-system',
      '--selector',
      'k8s-app=kube-dns',
      '--output=json',
    ]);
    expect((JSON.parse(String(stdout)) as { items: { kind: string }[] }).items.map(({ kind }) => kind)).toEqual([
      'Pod',
    ]);
  });
});

describe('kubectl apply', () => {
  it('applies what it can, and fails for an unknown kind and an unknown namespace', async () => {
    const { apply, items } = await readyLab();
    const result = await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } },
      {
        apiVersion: 'networking.istio.io/v1beta1',
        kind: 'Gateway',
        metadata: { name: 'g', namespace: 'team' },
        spec: {},
      },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's', namespace: 'nowhere' } },
    );
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toBe('namespace/team serverside-applied\n');
    expect(result.stderr).toContain('no matches for kind "Gateway" in version "networking.istio.io/v1beta1"');
    expect(result.stderr).toContain('Error from server (NotFound): namespaces "nowhere" not found');
    expect((await items('namespaces')).map(({ metadata }) => metadata.name)).toContain('team');
  });
});

describe('the simulated kubectl', () => {
  it.each([
    [['get', 'nodes', '--watch', '--output=json'], 'kubectl get --watch'],
    [['get', 'nodes', '--output=yaml'], 'kubectl get --output=yaml'],
    [['patch', 'nodes', 'x'], 'kubectl patch'],
    [
      ['apply', '--filename=x.yaml', '--server-side', '--force-conflicts', '--field-manager=m'],
      'kubectl apply --filename',
    ],
    [['delete', 'nodes', 'x', '--wait=false', '--timeout=1s'], 'kubectl delete --wait'],
    [['rollout', 'undo', 'deployment/x'], 'kubectl rollout undo deployment/x'],
  ])('refuses the unsupported command %j', async (args, refused) => {
    const { kube } = await readyLab();
    expect(await kube(args)).toMatchObject({ exitCode: 1, refused });
  });

  it('refuses a command line without its three leading options', async () => {
    const { world, mesh, files } = createLab();
    const args = ['get', 'nodes'];
    const result = await world.clock.drive(
      kubectl({
        world,
        mesh,
        files,
        args,
        env: {},
        stdin: Buffer.from(''),
        command: { file: 'kubectl', args, effect: 'read' },
      }),
    );
    expect(result).toMatchObject({ exitCode: 1, refused: 'kubectl get' });
  });
});
