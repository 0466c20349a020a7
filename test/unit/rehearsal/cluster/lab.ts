import { stringify, parse } from 'yaml';
import type { Config } from '../../../../src/config/config.ts';
import { createCluster, type SimulatedCluster } from '../../../../src/rehearsal/cluster/index.ts';
import { createFiles } from '../../../../src/rehearsal/files.ts';
import { container } from '../../../../src/rehearsal/host/container.ts';
import { istioctl } from '../../../../src/rehearsal/host/istioctl.ts';
import { kubectl } from '../../../../src/rehearsal/host/kubectl.ts';
import { createMesh } from '../../../../src/rehearsal/mesh/index.ts';
import { standInBytes } from '../../../../src/rehearsal/stand-in.ts';
import { addInstance, createWorld } from '../../../../src/rehearsal/state.ts';
import type { HostProgram, Instance, ProgramResult } from '../../../../src/rehearsal/world.ts';
import { controlPlane } from '../../../../src/kube/manifests/control-plane.ts';
import { eastWestGateway } from '../../../../src/kube/manifests/east-west-gateway.ts';
import { loadShippedData } from '../../../../src/system/shipped.ts';
import { labConfig } from '../../kube/lab.ts';

const shipped = await loadShippedData();

/** An object as kubectl prints it, with the fields that tests read. */
export interface PrintedObject {
  readonly metadata: {
    name: string;
    namespace?: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    uid: string;
  };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read nested fields of many kinds
  readonly [field: string]: any;
}

export interface LabOptions {
  readonly version?: string;
  readonly small?: boolean;
  readonly workerMemory?: string;
  readonly k3sConfig?: Record<string, unknown>;
}

/** A simulated world with machines and a running k3s with two workers, created without the steps. Programs run in virtual time. */
export function createLab({ version = '1.19.3', small = false, workerMemory = '8G', k3sConfig = {} }: LabOptions = {}) {
  const config: Config = labConfig(version, small ? 'small' : 'article');
  const world = createWorld({
    host: { platform: 'linux', cpu: 'amd64', cwd: '/lab', home: '/home/u', env: {} },
    shipped,
  });
  const mesh = createMesh(world);
  const files = createFiles({
    [config.paths.istioctl]: standInBytes({ artifact: 'istioctl', version, cpu: 'linux-amd64' }),
  });
  const machine = (name: string, spec: Partial<Instance> = {}): Instance => {
    const instance = addInstance(world, { name, cpus: 2, ...spec });
    instance.units.set('k3s', { enabled: true, active: 'active', since: 0, restarts: 0, journal: [] });
    return instance;
  };
  const server = machine(config.k3s.master, { memory: '1G' });
  const workers = config.k3s.workerNames.map((name) => machine(name, { memory: workerMemory }));
  server.files.set('/etc/rancher/k3s/config.yaml', {
    content: stringify({ disable: ['traefik', 'metrics-server', 'local-storage'], ...k3sConfig }),
    mode: 0o600,
    owner: 'root',
    group: 'root',
  });
  const startCluster = (): SimulatedCluster => {
    const cluster = createCluster(world, { server: server.name, address: server.address, version: config.k3s.version });
    world.cluster = cluster;
    for (const node of [server, ...workers]) {
      cluster.joinNode({
        name: node.name,
        address: node.address,
        role: node === server ? 'server' : 'agent',
        version: config.k3s.version,
        password: `p-${node.name}`,
      });
    }
    return cluster;
  };
  const cluster = startCluster();

  const writeKubeconfig = (of: SimulatedCluster, address = server.address): Promise<void> => {
    const kubeconfig = parse(of.kubeconfig()) as {
      clusters: { cluster: { server: string } }[];
      contexts: { name: string }[];
    };
    (kubeconfig.clusters[0] as { cluster: { server: string } }).cluster.server = `https://${address}:6443`;
    (kubeconfig.contexts[0] as { name: string }).name = config.context;
    return files.write(config.paths.kubeconfig, stringify(kubeconfig), 0o600);
  };

  /** Runs a program, and adds its progress to stderr. */
  const run = async (
    program: HostProgram,
    file: string,
    args: readonly string[],
    stdin = '',
  ): Promise<ProgramResult> => {
    let progress = '';
    const result = await world.clock.drive(
      program({
        world,
        mesh,
        files,
        args,
        env: {},
        stdin: Buffer.from(stdin),
        command: { file, args, effect: 'write' },
        tell: (line) => void (progress += `${line}\n`),
      }),
    );
    return progress === '' ? result : { ...result, stderr: progress + (result.stderr ?? '') };
  };

  const kube = (args: readonly string[], stdin?: string) =>
    run(
      kubectl,
      'kubectl',
      ['--kubeconfig', config.paths.kubeconfig, '--context', config.context, '--request-timeout=20s', ...args],
      stdin,
    );

  const apply = (...objects: readonly object[]) =>
    kube(
      ['apply', '--server-side', '--force-conflicts', '--field-manager=istio-vms', '--filename=-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );

  /** All objects of a kind in all namespaces. */
  const items = async (kind: string, selector?: string): Promise<PrintedObject[]> => {
    const more = selector === undefined ? [] : ['--selector', selector];
    const { stdout } = await kube(['get', kind, '--all-namespaces', ...more, '--ignore-not-found', '--output=json']);
    if (stdout === undefined) return [];
    return (JSON.parse(String(stdout)) as { items: PrintedObject[] }).items;
  };

  const istio = (args: readonly string[]) => run(istioctl, config.paths.istioctl, args);
  const access = ['--kubeconfig', config.paths.kubeconfig, '--context', config.context];
  /** `istioctl install` of an object, with overlays after it. */
  const install = async (...documents: readonly object[]) => {
    const paths = documents.map((_, index) => `/lab/.tmp/operator-${index}.yaml`);
    for (const [index, path] of paths.entries()) await files.write(path, stringify(documents[index]));
    return istio([
      'install',
      ...access,
      ...paths.flatMap((path) => ['--filename', path]),
      '--skip-confirmation',
      '--readiness-timeout',
      '300s',
    ]);
  };
  const containerTool = (tool: string, args: readonly string[]) => run(container, tool, args);
  const installIstio = () => install(controlPlane(config));
  const installGateway = () => install(eastWestGateway(config));

  return {
    config,
    world,
    mesh,
    files,
    server,
    workers,
    cluster,
    startCluster,
    machine,
    writeKubeconfig,
    kube,
    apply,
    items,
    istio,
    access,
    install,
    installIstio,
    installGateway,
    containerTool,
    shipped,
  };
}

export type Lab = ReturnType<typeof createLab>;

/** A lab whose nodes are Ready, with a valid kubeconfig. */
export async function readyLab(options: LabOptions = {}): Promise<Lab> {
  const lab = createLab(options);
  await lab.writeKubeconfig(lab.cluster);
  await lab.world.clock.advance(30_000);
  return lab;
}
