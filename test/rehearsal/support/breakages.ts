import { expect } from 'vitest';
import { guestEntry } from '../../../src/rehearsal/guest/files.ts';
import type { KubeObject } from '../../../src/rehearsal/world.ts';
import type { Simulated } from './simulated.ts';

const VM = 'vm-istio-external-workload';
const ON_VM = `multipass exec -n ${VM} --`;
const FILES = '/home/u/lab/.data/workload-files';

/** Changes an existing object. */
export const edit = (
  lab: Simulated,
  kind: string,
  namespace: string | undefined,
  name: string,
  change: (object: KubeObject) => void,
): void => {
  expect(lab.cluster.get(kind, namespace, name)).toBeDefined();
  lab.cluster.store.edit(kind, namespace, name, change);
};
/** Removes the label that tells istiod the network of the cluster's pods. */
export const withoutNetworkLabel = (lab: Simulated): void =>
  edit(
    lab,
    'namespaces',
    undefined,
    'istio-system',
    ({ metadata }) => delete metadata.labels?.['topology.istio.io/network'],
  );

const deleteObject = async (lab: Simulated, kind: string, name: string, namespace?: string): Promise<void> => {
  const { kubeconfig } = lab.config.paths;
  const where = namespace === undefined ? '' : ` --namespace ${namespace}`;
  await lab.shell(
    `kubectl --kubeconfig ${kubeconfig} --context ${lab.config.context} --request-timeout=20s delete ${kind} ${name}${where} --ignore-not-found --wait=true --timeout=120s`,
  );
};
const editGuestFile = (lab: Simulated, name: string, path: string, change: (text: string) => string): void => {
  const entry = guestEntry(lab.machine(name), path);
  expect(entry).toBeDefined();
  entry!.content = change(String(entry!.content));
};
/** Restarts a machine, which gets another address by DHCP. */
const restartWithOtherAddress = async (lab: Simulated, name: string): Promise<void> => {
  await lab.shell(`multipass stop ${name}`);
  lab.machine(name).address = `192.168.64.${100 + lab.world.engine.instances.size}`;
  await lab.shell(`multipass start ${name} --timeout 300`);
  await lab.pass(60_000);
};

const scaledToZero = async (lab: Simulated, name: string, namespace: string): Promise<void> => {
  await lab.shell(
    `kubectl --kubeconfig ${lab.config.paths.kubeconfig} --context ${lab.config.context} --request-timeout=20s scale deployment/${name} --namespace ${namespace} --replicas=0`,
  );
  await lab.pass(10_000);
};

/** A way to break a lab that is up, and what `plan` reports then. */
export interface Breakage {
  readonly what: string;
  readonly breakLab: (lab: Simulated) => unknown;
  /** By step: the finding of `plan`. */
  readonly findings: Readonly<Record<string, RegExp>>;
}

export const BREAKAGES: readonly Breakage[] = [
  {
    what: 'the VM is purged',
    breakLab: (lab) => lab.shell(`multipass delete --purge ${VM}`),
    findings: { vm: /no machine vm-istio/ },
  },
  {
    what: 'the VM is soft-deleted',
    breakLab: (lab) => lab.shell(`multipass delete ${VM}`),
    findings: { vm: /soft-deleted/ },
  },
  { what: 'the VM is stopped', breakLab: (lab) => lab.shell(`multipass stop ${VM}`), findings: { vm: /is stopped/ } },
  {
    what: 'a worker is purged',
    breakLab: (lab) => lab.shell('multipass delete --purge k3s-worker-1'),
    findings: { 'worker-1': /no machine k3s-worker-1/ },
  },
  {
    what: 'a worker is stopped',
    breakLab: (lab) => lab.shell('multipass stop k3s-worker-2'),
    findings: { 'worker-2': /is stopped/ },
  },
  {
    what: 'the server is stopped',
    breakLab: (lab) => lab.shell('multipass stop k3s-master'),
    findings: { master: /is stopped/ },
  },
  {
    what: 'the server is purged',
    breakLab: (lab) => lab.shell('multipass delete --purge k3s-master'),
    findings: { master: /no machine/ },
  },
  {
    what: 'the kubeconfig is deleted',
    breakLab: (lab) => lab.files.remove(lab.config.paths.kubeconfig),
    findings: { 'k3s-server': /no kubeconfig/ },
  },
  {
    what: 'the kubeconfig is readable by all',
    breakLab: (lab) => lab.files.chmod(lab.config.paths.kubeconfig, 0o644),
    findings: { 'k3s-server': /kubeconfig.*readable/ },
  },
  {
    what: 'istioctl is deleted',
    breakLab: (lab) => lab.files.remove(lab.config.paths.istioctl),
    findings: { istioctl: /no \/home/ },
  },
  {
    what: 'istioctl is not executable',
    breakLab: (lab) => lab.files.chmod(lab.config.paths.istioctl, 0o644),
    findings: { istioctl: /not executable/ },
  },
  {
    what: 'the link to istioctl is deleted',
    breakLab: (lab) => lab.files.remove(lab.config.paths.istioctlLink),
    findings: { istioctl: /does not point/ },
  },
  {
    what: "the revision's own injection webhook is deleted",
    breakLab: (lab) =>
      deleteObject(lab, 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'istio-sidecar-injector-1-19-3'),
    findings: { istio: /the injection webhook of revision 1-19-3 is gone/ },
  },
  {
    what: 'the Service of istiod is deleted',
    breakLab: (lab) => deleteObject(lab, 'services', 'istiod-1-19-3', 'istio-system'),
    findings: { istio: /no Service istio-system\/istiod-1-19-3/ },
  },
  {
    what: 'the Service of istiod selects nothing',
    breakLab: (lab) =>
      edit(lab, 'services', 'istio-system', 'istiod-1-19-3', (object) => {
        (object['spec'] as { selector: object }).selector = { app: 'other' };
      }),
    findings: { istio: /Service istio-system\/istiod-1-19-3 selects no pod/ },
  },
  {
    what: 'the Service of the gateway selects nothing',
    breakLab: (lab) =>
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        (object['spec'] as { selector: object }).selector = { app: 'other' };
      }),
    findings: { eastwest: /Service istio-system\/istio-eastwestgateway selects no pod/ },
  },
  {
    what: 'the webhook of the tag is deleted',
    breakLab: (lab) =>
      deleteObject(lab, 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'istio-revision-tag-default'),
    findings: { istio: /tag `default` is gone/ },
  },
  {
    what: 'istiod is deleted',
    breakLab: (lab) => deleteObject(lab, 'deployments.apps', 'istiod-1-19-3', 'istio-system'),
    findings: { istio: /no Deployment/ },
  },
  {
    what: 'istiod is scaled to 0',
    breakLab: (lab) => scaledToZero(lab, 'istiod-1-19-3', 'istio-system'),
    findings: { istio: /istiod-1-19-3: scaled to 0/ },
  },
  {
    what: "istiod is scaled to 0, and the gateway's Deployment is deleted",
    breakLab: async (lab) => {
      await scaledToZero(lab, 'istiod-1-19-3', 'istio-system');
      await deleteObject(lab, 'deployments.apps', 'istio-eastwestgateway', 'istio-system');
    },
    findings: { istio: /scaled to 0/, eastwest: /gateway: the Deployment does not exist/ },
  },
  {
    what: 'the gateway is scaled to 0',
    breakLab: (lab) => scaledToZero(lab, 'istio-eastwestgateway', 'istio-system'),
    findings: { eastwest: /gateway: scaled to 0/ },
  },
  {
    what: 'cluster DNS is scaled to 0',
    breakLab: (lab) => scaledToZero(lab, 'coredns', 'kube-system'),
    findings: { nodes: /coredns: scaled to 0/ },
  },
  {
    what: 'the sample is scaled to 0',
    breakLab: (lab) => scaledToZero(lab, 'helloworld-v2', 'sample'),
    findings: { sample: /has other spec|scaled to 0/ },
  },
  {
    what: 'the whole control plane is deleted',
    breakLab: (lab) => deleteObject(lab, 'namespace', 'istio-system'),
    findings: { istio: /no Deployment/ },
  },
  {
    what: "the namespace's network label is deleted",
    breakLab: withoutNetworkLabel,
    findings: { istio: /Namespace istio-system has other labels/ },
  },
  {
    what: "the gateway's Service is deleted",
    breakLab: (lab) => deleteObject(lab, 'services', 'istio-eastwestgateway', 'istio-system'),
    findings: { eastwest: /no Service istio-system/ },
  },
  {
    what: "the gateway's Service lacks a port",
    breakLab: (lab) =>
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        const spec = object['spec'] as { ports: { name: string }[] };
        spec.ports = spec.ports.filter(({ name }) => name !== 'tls-istiod');
      }),
    findings: { eastwest: /Service istio-eastwestgateway has no port \d+/ },
  },
  {
    what: "the gateway's Deployment is deleted",
    breakLab: (lab) => deleteObject(lab, 'deployments.apps', 'istio-eastwestgateway', 'istio-system'),
    findings: { eastwest: /gateway: the Deployment does not exist/ },
  },
  {
    what: 'istiod is exposed under another name',
    breakLab: (lab) =>
      edit(lab, 'virtualservices.networking.istio.io', 'istio-system', 'istiod-vs-1-19-3', (object) => {
        const spec = object['spec'] as { tls: { match: { sniHosts: string[] }[] }[] };
        for (const route of spec.tls) for (const match of route.match) match.sniHosts = ['istiod.istio-system.svc'];
      }),
    findings: { eastwest: /VirtualService istio-system\/istiod-vs-1-19-3 has other spec/ },
  },
  {
    what: 'the cross-network gateway is deleted',
    breakLab: (lab) => deleteObject(lab, 'gateways.networking.istio.io', 'cross-network-gateway', 'istio-system'),
    findings: { eastwest: /no Gateway istio-system\/cross-network-gateway/ },
  },
  {
    what: 'the WorkloadGroup is deleted',
    breakLab: (lab) => deleteObject(lab, 'workloadgroups.networking.istio.io', 'external-app', 'vmns'),
    findings: { workload: /no WorkloadGroup vmns\/external-app/ },
  },
  {
    what: 'the namespace of the VM is deleted',
    breakLab: (lab) => deleteObject(lab, 'namespace', 'vmns'),
    findings: { workload: /no Namespace vmns/ },
  },
  {
    what: 'the workload files are deleted',
    breakLab: (lab) => lab.files.remove(FILES),
    findings: { workload: /no complete set/ },
  },
  {
    what: 'the hosts file is empty',
    breakLab: (lab) => lab.files.write(`${FILES}/hosts`, '', 0o600),
    findings: { workload: /hosts names nothing/ },
  },
  {
    what: 'CA_ADDR has the port inside the cluster',
    breakLab: async (lab) =>
      lab.files.write(
        `${FILES}/cluster.env`,
        String(await lab.files.readText(`${FILES}/cluster.env`)).replaceAll(':15013', ':15012'),
        0o600,
      ),
    findings: { workload: /CA_ADDR is .*:15012/ },
  },
  {
    what: 'the root certificate is a different one',
    breakLab: (lab) =>
      lab.files.write(
        `${FILES}/root-cert.pem`,
        '-----BEGIN CERTIFICATE-----\nother\n-----END CERTIFICATE-----\n',
        0o600,
      ),
    findings: { workload: /root certificate/ },
  },
  {
    what: 'the token is damaged',
    breakLab: (lab) => lab.files.write(`${FILES}/istio-token`, 'not a token\n', 0o600),
    findings: { workload: /token/ },
  },
  {
    what: 'the token is readable by all',
    breakLab: (lab) => lab.files.chmod(`${FILES}/istio-token`, 0o644),
    findings: { workload: /istio-token.*readable/ },
  },
  {
    what: 'the directory of the workload files is accessible to others',
    breakLab: (lab) => lab.files.chmod(FILES, 0o755),
    findings: { workload: /workload-files.*others/ },
  },
  {
    what: 'the sidecar is stopped',
    breakLab: (lab) => lab.shell(`${ON_VM} sudo systemctl stop istio`),
    findings: { sidecar: /is inactive/ },
  },
  {
    what: 'the sidecar does not start at boot',
    breakLab: (lab) => void (lab.machine(VM).units.get('istio')!.enabled = false),
    findings: { sidecar: /does not start at boot/ },
  },
  {
    what: 'a file of the sidecar is changed',
    breakLab: (lab) => editGuestFile(lab, VM, '/etc/istio/config/mesh', (text) => text.replace('15013', '15012')),
    findings: { sidecar: /\/etc\/istio\/config\/mesh/ },
  },
  {
    what: 'the lines of istio-vms in /etc/hosts are missing',
    breakLab: (lab) =>
      editGuestFile(lab, VM, '/etc/hosts', (text) => text.replace(/# istio-vms begin[\s\S]*# istio-vms end\n/, '')),
    findings: { sidecar: /\/etc\/hosts/ },
  },
  {
    what: 'the demo workload is stopped',
    breakLab: (lab) => lab.shell(`${ON_VM} sudo systemctl stop istio-vms-demo`),
    findings: { demo: /is inactive/ },
  },
  {
    what: 'the demo workload does not start at boot',
    breakLab: (lab) => void (lab.machine(VM).units.get('istio-vms-demo')!.enabled = false),
    findings: { demo: /does not start at boot/ },
  },
  {
    what: 'the route is deleted',
    breakLab: (lab) => deleteObject(lab, 'services', 'external-app', 'vmns'),
    findings: { route: /no Service vmns\/external-app/ },
  },
  {
    what: 'the sample is deleted',
    breakLab: (lab) => deleteObject(lab, 'namespace', 'sample'),
    findings: { sample: /no Namespace sample/ },
  },
  {
    what: 'the sample runs without injection',
    breakLab: async (lab) => {
      edit(lab, 'namespaces', undefined, 'sample', ({ metadata }) => delete metadata.labels?.['istio.io/rev']);
      for (const pod of lab.cluster.list('pods').filter(({ metadata }) => metadata.namespace === 'sample')) {
        lab.cluster.store.remove('pods', 'sample', pod.metadata.name);
      }
      await lab.pass(60_000);
    },
    findings: { sample: /Namespace sample has other labels/ },
  },
  {
    what: 'a worker is rejected because of a different password',
    breakLab: async (lab) => {
      editGuestFile(lab, 'k3s-worker-2', '/etc/rancher/node/password', () => 'another');
      await lab.shell('multipass exec -n k3s-worker-2 -- sudo systemctl restart --no-block k3s-agent');
      await lab.pass(120_000);
    },
    findings: { 'k3s-agent-2': /k3s-worker-2 is not Ready/ },
  },
  {
    what: 'the VM has another address',
    breakLab: (lab) => restartWithOtherAddress(lab, VM),
    findings: { workload: /the VM is at 192\.168\.64\.104/ },
  },
  {
    what: 'a worker has another address',
    breakLab: (lab) => restartWithOtherAddress(lab, 'k3s-worker-2'),
    findings: { 'k3s-agent-2': /registered at .* the machine is at/ },
  },
  {
    what: 'the first worker has another address',
    breakLab: (lab) => restartWithOtherAddress(lab, 'k3s-worker-1'),
    findings: { 'k3s-agent-1': /registered at/ },
  },
  {
    what: 'the server has another address',
    breakLab: (lab) => restartWithOtherAddress(lab, 'k3s-master'),
    findings: { 'k3s-server': /kubeconfig names .* the machine is at/ },
  },
];
