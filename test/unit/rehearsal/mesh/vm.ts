import { stringify } from 'yaml';
import { demoFiles } from '../../../../src/guest/demo.ts';
import { sidecarFiles } from '../../../../src/guest/sidecar.ts';
import { fixWorkloadFiles } from '../../../../src/guest/workload-files.ts';
import type { GuestFile } from '../../../../src/machines/machine.ts';
import { exposeIstiod, exposeServices } from '../../../../src/kube/manifests/expose.ts';
import { routeObjects, workloadGroup, workloadObjects } from '../../../../src/kube/manifests/workload.ts';
import { sampleObjects } from '../../../../src/kube/manifests/sample.ts';
import { keepCertificate, trustRoot } from '../../../../src/rehearsal/guest/certificate.ts';
import { guestText, makeDirectory, writeGuest } from '../../../../src/rehearsal/guest/files.ts';
import { TOKEN } from '../../../../src/rehearsal/guest/sidecar.ts';
import type { Instance, Unit } from '../../../../src/rehearsal/world.ts';
import { readyLab, type Lab, type LabOptions } from '../cluster/lab.ts';

const unit = (active: Unit['active'] = 'active'): Unit => ({
  enabled: true,
  active,
  since: 0,
  restarts: 0,
  journal: [],
});

export interface MeshOptions extends LabOptions {
  /** Leaves `CA_ADDR` and `discoveryAddress` as istioctl wrote them. */
  readonly unfixed?: boolean;
  readonly expose?: boolean;
}

/** A complete lab: mesh, gateway, sample, and a VM with its files placed and its sidecar not yet started. */
export async function meshLab({ unfixed = false, expose = true, ...options }: MeshOptions = {}) {
  const lab: Lab = await readyLab(options);
  const { config, world, mesh, files } = lab;
  await lab.installIstio();
  await lab.installGateway();
  if (expose) await lab.apply(...exposeIstiod(config), ...exposeServices(config));
  await lab.apply(
    ...workloadObjects(config, config.workloads[0]),
    ...sampleObjects(config, lab.shipped.versions),
    ...routeObjects(config, config.workloads[0]),
  );
  const vm: Instance = lab.machine(config.workloads[0].name);
  vm.units.clear();
  vm.users.add('istio-proxy');
  makeDirectory(vm, '/etc/certs', { owner: 'istio-proxy' });
  await world.clock.advance(40_000);
  const gatewayAddress = lab.workers[0]?.address ?? '';

  /** Generates the workload files with istioctl, fixes them, and writes them to the VM like `put`. */
  const place = async (): Promise<void> => {
    await files.write('/lab/.tmp/group.yaml', stringify(workloadGroup(config, config.workloads[0])));
    const result = await lab.istio([
      'experimental',
      'workload',
      'entry',
      'configure',
      ...lab.access,
      '--file',
      '/lab/.tmp/group.yaml',
      '--output',
      '/lab/wf',
      '--clusterID',
      'test',
      '--ingressIP',
      gatewayAddress,
      '--internalIP',
      vm.address,
      '--autoregister',
      '--revision',
      config.istio.revision,
      '--tokenDuration',
      '3600',
    ]);
    if (result.exitCode !== 0) throw new Error(result.stderr);
    const read = async (name: string): Promise<string> => (await files.readText(`/lab/wf/${name}`)) ?? '';
    const { files: workloadFiles } = fixWorkloadFiles(
      {
        clusterEnv: await read('cluster.env'),
        meshYaml: await read('mesh.yaml'),
        hosts: await read('hosts'),
        rootCert: await read('root-cert.pem'),
        token: await read('istio-token'),
      },
      config,
      { fixCa: !unfixed, fixPilot: !unfixed, gatewayAddress, vmAddress: vm.address, workload: config.workloads[0] },
    );
    const payload = [
      ...sidecarFiles(config, {
        workload: config.workloads[0],
        shipped: lab.shipped,
        workloadFiles,
        address: vm.address,
      }).files,
      ...demoFiles(config.workloads[0], lab.shipped).files,
    ];
    for (const { path, content, mode } of payload as readonly GuestFile[])
      writeGuest(vm, path, content as string, { mode });
    trustRoot(vm, workloadFiles.rootCert);
  };

  /** A short form of the start of the sidecar unit; returns the state that the mesh reports. */
  const start = async () => {
    const token = guestText(vm, '/var/lib/istio-vms/istio-token');
    if (token !== undefined) writeGuest(vm, TOKEN, token, { mode: 0o600 });
    writeGuest(vm, '/etc/hosts', `127.0.0.1 localhost\n${guestText(vm, '/var/lib/istio-vms/hosts') ?? ''}`);
    vm.rules = true;
    vm.units.set('istio', unit());
    mesh.started(vm);
    await world.clock.advance(1_200);
    const answer = mesh.sidecar(vm);
    if (answer.ready) keepCertificate(world, vm, answer.identity);
    await world.clock.advance(1_000);
    return answer;
  };

  const stop = (): void => {
    vm.units.set('istio', unit('inactive'));
    vm.rules = false;
    mesh.stopped(vm);
  };

  const demo = (active: Unit['active']): void => {
    const now = vm.units.get('istio-vms-demo') ?? unit('inactive');
    vm.units.set('istio-vms-demo', { ...now, active, changed: world.clock.now() });
  };

  const entries = () => lab.items('workloadentries.networking.istio.io');
  const health = async (): Promise<string | undefined> => {
    const status = (await entries())[0]?.['status'] as { conditions: { type: string; status: string }[] } | undefined;
    return status?.conditions.find(({ type }) => type === 'Healthy')?.status;
  };
  /** A request from the client pod of the sample, with exit code and HTTP status. */
  const fromMesh = (url: string) => mesh.requestFromPod('sample', 'mesh-client', url);

  await place();
  return { ...lab, vm, place, start, stop, demo, entries, health, fromMesh, gatewayAddress };
}

/** Like `meshLab`, with the sidecar started and the demo running. */
export async function joinedLab(options: MeshOptions = {}) {
  const lab = await meshLab(options);
  lab.demo('active');
  const answer = await lab.start();
  if (!answer.ready) throw new Error(answer.reason);
  return lab;
}
