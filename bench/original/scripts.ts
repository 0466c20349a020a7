import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { controlPlane } from '../../src/kube/manifests/control-plane.ts';
import { eastWestGateway } from '../../src/kube/manifests/east-west-gateway.ts';
import { exposeIstiod, exposeServices } from '../../src/kube/manifests/expose.ts';
import { toYaml, type Manifest } from '../../src/kube/manifests/manifest.ts';
import { routeObjects, workloadGroup } from '../../src/kube/manifests/workload.ts';
import { sampleObjects } from '../../src/kube/manifests/sample.ts';
import type { Cpu, System } from '../../src/system/system.ts';
import type { ShippedData } from '../../src/system/shipped.ts';

/** Runs the commands of the article one after another, without time for typing or reading. */
export interface Follower {
  readonly config: Config;
  readonly shipped: ShippedData;
  readonly cpu: Cpu;
  readonly files: System['files'];
  /** Runs a command and returns its output. */
  readonly run: (file: string, args: readonly string[], stdin?: string) => Promise<string>;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * The commands of the article (`article.md`) and of its scripts (radekg/istio-vms, tag version-1), in order. Commands
 * that only inspect or that change only local files (sed, cat, chmod) are left out.
 */
export const SCRIPTS = { k3s, istioctl, istio, eastwest, vm, workload, bootstrap, start, sample, route } as const;

const yaml = (objects: readonly Manifest[]): string => toYaml(objects);

async function k3s({ config, files, run }: Follower): Promise<void> {
  const { master, masterSize, workerSize, workerNames, version } = config.k3s;
  const sized = (size: typeof masterSize): string[] => ['-c', String(size.cpus), '-m', size.memory, '-d', size.disk];
  await run('multipass', ['launch', ...sized(masterSize), '-n', master, config.runOs]);
  // The original installs the current stable version; here it is the version that istio-vms installs.
  const install = `curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION=${version}`;
  await run('multipass', [
    'exec',
    master,
    '--',
    'bash',
    '-c',
    `${install} INSTALL_K3S_EXEC="server --disable traefik" sh`,
  ]);
  const token = (
    await run('multipass', ['exec', master, 'sudo', 'cat', '/var/lib/rancher/k3s/server/node-token'])
  ).trim();
  const address = /IPv4:\s+(\S+)/.exec(await run('multipass', ['info', master]))?.[1] ?? '';
  for (const name of workerNames) await run('multipass', ['launch', ...sized(workerSize), '-n', name, config.runOs]);
  for (const name of workerNames) {
    const join = `${install} K3S_URL="https://${address}:6443" K3S_TOKEN="${token}" sh -`;
    await run('multipass', ['exec', name, '--', 'bash', '-c', join]);
  }
  const kubeconfig = await run('multipass', ['exec', master, 'sudo', 'cat', '/etc/rancher/k3s/k3s.yaml']);
  await files.write(config.paths.kubeconfig, kubeconfig.replace('127.0.0.1', address), 0o600);
}

async function istioctl({ config, cpu, files, run }: Follower): Promise<void> {
  const { version } = config.istio;
  const archive = join(config.paths.temp, 'istioctl.tar.gz');
  const url = `https://github.com/istio/istio/releases/download/${version}/istioctl-${version}-linux-${cpu}.tar.gz`;
  await run('wget', ['-O', archive, url]);
  await files.extract(archive, config.paths.bin, [{ member: 'istioctl', as: `istioctl-${version}`, mode: 0o755 }]);
}

const istioctlPath = ({ config }: Follower): string => join(config.paths.bin, `istioctl-${config.istio.version}`);

async function istio(follower: Follower): Promise<void> {
  const file = join(follower.config.paths.temp, 'vm-cluster.yaml');
  await follower.files.write(file, yaml([controlPlane(follower.config)]));
  const values = ['AUTOREGISTRATION', 'HEALTHCHECKS'].flatMap((name) => [
    '--set',
    `values.pilot.env.PILOT_ENABLE_WORKLOAD_ENTRY_${name}=true`,
  ]);
  await follower.run(istioctlPath(follower), ['install', '-y', '-f', file, ...values]);
}

async function eastwest(follower: Follower): Promise<void> {
  const { config, run } = follower;
  const { namespace } = config.istio;
  const generator = 'https://raw.githubusercontent.com/istio/istio/master/samples/multicluster/gen-eastwest-gateway.sh';
  await run('wget', ['-O', join(config.paths.temp, 'gen-eastwest-gateway.sh'), generator]);
  await run(istioctlPath(follower), ['install', '-y', '-f', '-'], yaml([eastWestGateway(config)]));
  await run('kubectl', ['apply', '-n', namespace, '-f', '-'], yaml(exposeIstiod(config)));
  await run('kubectl', ['apply', '-n', namespace, '-f', '-'], yaml(exposeServices(config)));
  await run('kubectl', ['label', 'namespace', namespace, `topology.istio.io/network=${config.networks.cluster}`]);
}

async function vm({ config, run }: Follower): Promise<void> {
  const { name, size } = config.workloads[0];
  await run('multipass', [
    'launch',
    '-c',
    String(size.cpus),
    '-m',
    size.memory,
    '-d',
    size.disk,
    '-n',
    name,
    config.runOs,
  ]);
}

async function workload(follower: Follower): Promise<void> {
  const { config, files, run, sleep } = follower;
  const { namespace, serviceAccount } = config.workloads[0];
  await run('multipass', ['info', config.workloads[0].name, '--format', 'yaml']);
  await run('kubectl', ['create', 'namespace', namespace]);
  await run('kubectl', ['wait', '--for', 'jsonpath={.status.phase}=Active', '--timeout=5s', `namespace/${namespace}`]);
  await run('kubectl', ['create', 'serviceaccount', serviceAccount, '-n', namespace]);
  const file = join(config.paths.temp, 'workloadgroup.yaml');
  await files.write(file, yaml([workloadGroup(config, config.workloads[0])]));
  await run('kubectl', ['apply', '-n', namespace, '-f', file]);
  const output = config.paths.workloadFiles;
  // Like the original, repeats every five seconds until the root certificate exists.
  do {
    const entry = [
      'x',
      'workload',
      'entry',
      'configure',
      '-f',
      file,
      '-o',
      output,
      '--clusterID',
      config.istio.cluster,
    ];
    await run(istioctlPath(follower), [...entry, '--revision', config.istio.revision, '--autoregister']).catch(
      () => '',
    );
    await sleep(5_000);
  } while (
    (await files.stat(join(output, 'root-cert.pem'))) === undefined ||
    (await files.readText(join(output, 'hosts'))) === undefined
  );
  const address = `istiod-${config.istio.revision}.${config.istio.namespace}.svc:${config.gateway.istiod.outside}`;
  const env = (await files.readText(join(output, 'cluster.env'))) ?? '';
  await files.write(join(output, 'cluster.env'), `${env}CA_ADDR=${address}\nPILOT_ADDRESS=${address}\n`);
}

/** The calls that install the sidecar on the VM: 34 lines of install.vm.bootstrap.sh, with one branch per CPU. */
async function bootstrap({ config, cpu, files, run }: Follower): Promise<void> {
  const { name } = config.workloads[0];
  const { temp, data, workloadFiles } = config.paths;
  const transfer = (from: string, to: string): Promise<string> =>
    run('multipass', ['transfer', '--parents', from, `${name}:./${to}`]);
  const exec = (...words: string[]): Promise<string> => run('multipass', ['exec', name, '--', 'sudo', ...words]);
  await run('multipass', ['info', name, '--format', 'yaml']);
  if (cpu === 'arm64') {
    for (const each of ['envoy', 'pilot-agent']) await transfer(join(temp, 'patch', each), `usr/local/bin/${each}`);
  }
  const shippedFiles = [
    'usr/local/bin/istio-start.sh',
    'lib/systemd/system/istio.service',
    'var/lib/istio/envoy/envoy_bootstrap_tmpl.json',
    'var/lib/istio/envoy/sidecar.env',
  ];
  for (const path of shippedFiles) await transfer(join(data, 'istio-sidecar', path), path);
  for (const path of [
    '/etc/certs',
    '/etc/istio/config',
    '/var/lib/istio/config',
    '/var/lib/istio/envoy',
    '/var/lib/istio/proxy',
    '/var/log/istio',
  ])
    await exec('mkdir', '-p', path);
  await exec('touch', '/var/lib/istio/config/mesh');
  if (cpu === 'arm64') {
    await exec('bash', '-c', 'mv -v usr/local/bin/* /usr/local/bin/');
    await exec('bash', '-c', 'mv -v lib/systemd/system/istio.service /lib/systemd/system/istio.service');
    await exec('bash', '-c', 'mv -v var/lib/istio/envoy/* /var/lib/istio/envoy/');
    await exec('groupadd', '--system', 'istio-proxy');
    await exec('useradd', '--system', '--gid', 'istio-proxy', '--home-dir', '/var/lib/istio', 'istio-proxy');
  } else {
    const deb = `https://storage.googleapis.com/istio-release/releases/${config.istio.version}/deb/istio-sidecar.deb`;
    await exec('bash', '-c', `curl -LO ${deb} && sudo dpkg -i istio-sidecar.deb`);
  }
  await transfer(join(workloadFiles, 'root-cert.pem'), 'workload/root-cert.pem');
  await transfer(join(workloadFiles, 'cluster.env'), 'workload/cluster.env');
  await transfer(join(workloadFiles, 'istio-token'), 'workload/istio-token');
  await transfer(join(workloadFiles, 'mesh.yaml'), 'workload/mesh');
  const hosts = (await files.readText(join(workloadFiles, 'hosts'))) ?? '';
  await files.write(join(workloadFiles, 'all-hosts'), `127.0.1.1 ${name} ${name}\n127.0.0.1 localhost\n${hosts}`);
  await transfer(join(workloadFiles, 'all-hosts'), 'workload/hosts');
  await exec('bash', '-c', 'mv -v workload/hosts /etc/hosts');
  await exec('bash', '-c', 'mv -v workload/root-cert.pem /etc/certs/root-cert.pem');
  await exec('bash', '-c', 'mv -v workload/cluster.env /var/lib/istio/envoy/cluster.env');
  await exec('mkdir', '-p', '/var/run/secrets/tokens');
  await exec('bash', '-c', 'mv -v workload/istio-token /var/run/secrets/tokens/istio-token');
  await exec('bash', '-c', 'mv -v workload/mesh /etc/istio/config/mesh');
  await exec('chmod', 'o+rx', '/usr/local/bin/{envoy,pilot-agent}');
  await exec('chmod', '2755', '/usr/local/bin/{envoy,pilot-agent}');
  await exec('chown', '-R', 'istio-proxy.istio-proxy', ...OWNED);
}

const OWNED = [
  '/etc/certs',
  '/etc/istio',
  '/var/run/secrets',
  '/var/lib/istio/envoy',
  '/var/lib/istio/config',
  '/var/log/istio',
  '/var/lib/istio/config/mesh',
  '/var/lib/istio/proxy',
];

/** The manual start of the sidecar in a terminal. */
async function start({ config, run }: Follower): Promise<void> {
  await run('multipass', ['exec', config.workloads[0].name, '--', 'bash', '-c', 'cd / && sudo istio-start.sh']);
}

async function sample({ config, shipped, run }: Follower): Promise<void> {
  const [, service, v1, v2] = sampleObjects(config, shipped.versions);
  await run('kubectl', ['create', 'namespace', 'sample']);
  await run('kubectl', ['label', 'namespace', 'sample', `istio.io/rev=${config.istio.revision}`]);
  const release = config.istio.version.split('.').slice(0, 2).join('.');
  const url = `https://raw.githubusercontent.com/istio/istio/release-${release}/samples/helloworld/helloworld.yaml`;
  await run(
    'kubectl',
    ['apply', '-n', 'sample', '-f', url],
    yaml([service, v1, v2].filter((object) => object !== undefined)),
  );
}

async function route({ config, run }: Follower): Promise<void> {
  await run(
    'kubectl',
    ['apply', '-n', config.workloads[0].namespace, '-f', '-'],
    yaml(routeObjects(config, config.workloads[0])),
  );
  await run('multipass', ['exec', config.workloads[0].name, '--', 'bash', '-c', 'python3 -m http.server']);
}
