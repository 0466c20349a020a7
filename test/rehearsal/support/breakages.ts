import { expect } from 'vitest';
import { guestEntry } from '../../../src/rehearsal/guest/files.ts';
import type { KubeObject } from '../../../src/rehearsal/world.ts';
import type { Simulated } from './simulated.ts';

const VM = 'vm-istio-external-workload';
const ON_VM = `multipass exec -n ${VM} --`;
const FILES = '/home/u/lab/.data/workload-files';

/** Changes an object that is there. */
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
/** Without it istiod does not know on which network its own pods are. */
export const withoutNetworkLabel = (lab: Simulated): void =>
  edit(
    lab,
    'namespaces',
    undefined,
    'istio-system',
    ({ metadata }) => delete metadata.labels?.['topology.istio.io/network'],
  );

const drop = async (lab: Simulated, kind: string, name: string, namespace?: string): Promise<void> => {
  const { kubeconfig } = lab.config.paths;
  const where = namespace === undefined ? '' : ` --namespace ${namespace}`;
  await lab.shell(
    `kubectl --kubeconfig ${kubeconfig} --context ${lab.config.context} --request-timeout=20s delete ${kind} ${name}${where} --ignore-not-found --wait=true --timeout=120s`,
  );
};
const onGuest = (lab: Simulated, name: string, path: string, change: (text: string) => string): void => {
  const entry = guestEntry(lab.machine(name), path);
  expect(entry).toBeDefined();
  entry!.content = change(String(entry!.content));
};
/** Off, on again, and DHCP gave another address. */
const moved = async (lab: Simulated, name: string): Promise<void> => {
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

/** One thing that may go wrong in a lab that is up, and how `plan` names it. */
export interface Breakage {
  readonly what: string;
  readonly harm: (lab: Simulated) => unknown;
  /** Step → words in which `plan` tells it. */
  readonly named: Readonly<Record<string, RegExp>>;
}

export const BREAKAGES: readonly Breakage[] = [
  {
    what: 'the VM is purged',
    harm: (lab) => lab.shell(`multipass delete --purge ${VM}`),
    named: { vm: /no machine vm-istio/ },
  },
  { what: 'the VM is soft-deleted', harm: (lab) => lab.shell(`multipass delete ${VM}`), named: { vm: /soft-deleted/ } },
  { what: 'the VM is stopped', harm: (lab) => lab.shell(`multipass stop ${VM}`), named: { vm: /is stopped/ } },
  {
    what: 'a worker is purged',
    harm: (lab) => lab.shell('multipass delete --purge k3s-worker-1'),
    named: { 'worker-1': /no machine k3s-worker-1/ },
  },
  {
    what: 'a worker is stopped',
    harm: (lab) => lab.shell('multipass stop k3s-worker-2'),
    named: { 'worker-2': /is stopped/ },
  },
  {
    what: 'the server is stopped',
    harm: (lab) => lab.shell('multipass stop k3s-master'),
    named: { master: /is stopped/ },
  },
  {
    what: 'the server is purged',
    harm: (lab) => lab.shell('multipass delete --purge k3s-master'),
    named: { master: /no machine/ },
  },
  {
    what: 'the kubeconfig is gone',
    harm: (lab) => lab.files.remove(lab.config.paths.kubeconfig),
    named: { 'k3s-server': /no kubeconfig/ },
  },
  {
    what: 'the kubeconfig is readable for all',
    harm: (lab) => lab.files.chmod(lab.config.paths.kubeconfig, 0o644),
    named: { 'k3s-server': /kubeconfig.*readable/ },
  },
  {
    what: 'istioctl is gone',
    harm: (lab) => lab.files.remove(lab.config.paths.istioctl),
    named: { istioctl: /no \/home/ },
  },
  {
    what: 'istioctl may not run',
    harm: (lab) => lab.files.chmod(lab.config.paths.istioctl, 0o644),
    named: { istioctl: /not executable/ },
  },
  {
    what: 'the link to istioctl is gone',
    harm: (lab) => lab.files.remove(lab.config.paths.istioctlLink),
    named: { istioctl: /does not point/ },
  },
  {
    what: "the revision's own injection webhook is gone",
    harm: (lab) =>
      drop(lab, 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'istio-sidecar-injector-1-19-3'),
    named: { istio: /the injection webhook of revision 1-19-3 is gone/ },
  },
  {
    what: 'the Service of istiod is gone',
    harm: (lab) => drop(lab, 'services', 'istiod-1-19-3', 'istio-system'),
    named: { istio: /no Service istio-system\/istiod-1-19-3/ },
  },
  {
    what: 'the Service of istiod selects nothing',
    harm: (lab) =>
      edit(lab, 'services', 'istio-system', 'istiod-1-19-3', (object) => {
        (object['spec'] as { selector: object }).selector = { app: 'other' };
      }),
    named: { istio: /Service istio-system\/istiod-1-19-3 selects no pod/ },
  },
  {
    what: 'the Service of the gateway selects nothing',
    harm: (lab) =>
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        (object['spec'] as { selector: object }).selector = { app: 'other' };
      }),
    named: { eastwest: /Service istio-system\/istio-eastwestgateway selects no pod/ },
  },
  {
    what: 'the webhook of the tag is gone',
    harm: (lab) =>
      drop(lab, 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'istio-revision-tag-default'),
    named: { istio: /tag `default` is gone/ },
  },
  {
    what: 'istiod is gone',
    harm: (lab) => drop(lab, 'deployments.apps', 'istiod-1-19-3', 'istio-system'),
    named: { istio: /no Deployment/ },
  },
  {
    what: 'istiod is scaled to 0',
    harm: (lab) => scaledToZero(lab, 'istiod-1-19-3', 'istio-system'),
    named: { istio: /istiod-1-19-3: scaled to 0/ },
  },
  {
    what: "istiod is scaled to 0, and the gateway's Deployment is gone",
    harm: async (lab) => {
      await scaledToZero(lab, 'istiod-1-19-3', 'istio-system');
      await drop(lab, 'deployments.apps', 'istio-eastwestgateway', 'istio-system');
    },
    named: { istio: /scaled to 0/, eastwest: /gateway: the Deployment does not exist/ },
  },
  {
    what: 'the gateway is scaled to 0',
    harm: (lab) => scaledToZero(lab, 'istio-eastwestgateway', 'istio-system'),
    named: { eastwest: /gateway: scaled to 0/ },
  },
  {
    what: 'cluster DNS is scaled to 0',
    harm: (lab) => scaledToZero(lab, 'coredns', 'kube-system'),
    named: { nodes: /coredns: scaled to 0/ },
  },
  {
    what: 'the sample is scaled to 0',
    harm: (lab) => scaledToZero(lab, 'helloworld-v2', 'sample'),
    named: { sample: /has other spec|scaled to 0/ },
  },
  {
    what: 'the whole control plane is gone',
    harm: (lab) => drop(lab, 'namespace', 'istio-system'),
    named: { istio: /no Deployment/ },
  },
  {
    what: "the namespace's network label is gone",
    harm: withoutNetworkLabel,
    named: { istio: /Namespace istio-system has other labels/ },
  },
  {
    what: "the gateway's Service is gone",
    harm: (lab) => drop(lab, 'services', 'istio-eastwestgateway', 'istio-system'),
    named: { eastwest: /no Service istio-system/ },
  },
  {
    what: "the gateway's Service lacks a port",
    harm: (lab) =>
      edit(lab, 'services', 'istio-system', 'istio-eastwestgateway', (object) => {
        const spec = object['spec'] as { ports: { name: string }[] };
        spec.ports = spec.ports.filter(({ name }) => name !== 'tls-istiod');
      }),
    named: { eastwest: /Service istio-eastwestgateway has no port \d+/ },
  },
  {
    what: "the gateway's Deployment is gone",
    harm: (lab) => drop(lab, 'deployments.apps', 'istio-eastwestgateway', 'istio-system'),
    named: { eastwest: /gateway: the Deployment does not exist/ },
  },
  {
    what: 'istiod is exposed under another name',
    harm: (lab) =>
      edit(lab, 'virtualservices.networking.istio.io', 'istio-system', 'istiod-vs-1-19-3', (object) => {
        const spec = object['spec'] as { tls: { match: { sniHosts: string[] }[] }[] };
        for (const route of spec.tls) for (const match of route.match) match.sniHosts = ['istiod.istio-system.svc'];
      }),
    named: { eastwest: /VirtualService istio-system\/istiod-vs-1-19-3 has other spec/ },
  },
  {
    what: 'the cross-network gateway is gone',
    harm: (lab) => drop(lab, 'gateways.networking.istio.io', 'cross-network-gateway', 'istio-system'),
    named: { eastwest: /no Gateway istio-system\/cross-network-gateway/ },
  },
  {
    what: 'the WorkloadGroup is gone',
    harm: (lab) => drop(lab, 'workloadgroups.networking.istio.io', 'external-app', 'vmns'),
    named: { workload: /no WorkloadGroup vmns\/external-app/ },
  },
  {
    what: 'the namespace of the VM is gone',
    harm: (lab) => drop(lab, 'namespace', 'vmns'),
    named: { workload: /no Namespace vmns/ },
  },
  {
    what: 'the workload files are gone',
    harm: (lab) => lab.files.remove(FILES),
    named: { workload: /no complete set/ },
  },
  {
    what: 'hosts is empty',
    harm: (lab) => lab.files.write(`${FILES}/hosts`, '', 0o600),
    named: { workload: /hosts names nothing/ },
  },
  {
    what: 'CA_ADDR has the port of inside',
    harm: async (lab) =>
      lab.files.write(
        `${FILES}/cluster.env`,
        String(await lab.files.readText(`${FILES}/cluster.env`)).replaceAll(':15013', ':15012'),
        0o600,
      ),
    named: { workload: /CA_ADDR is .*:15012/ },
  },
  {
    what: 'the root certificate is another one',
    harm: (lab) =>
      lab.files.write(
        `${FILES}/root-cert.pem`,
        '-----BEGIN CERTIFICATE-----\nother\n-----END CERTIFICATE-----\n',
        0o600,
      ),
    named: { workload: /root certificate/ },
  },
  {
    what: 'the token is damaged',
    harm: (lab) => lab.files.write(`${FILES}/istio-token`, 'not a token\n', 0o600),
    named: { workload: /token/ },
  },
  {
    what: 'the token is readable for all',
    harm: (lab) => lab.files.chmod(`${FILES}/istio-token`, 0o644),
    named: { workload: /istio-token.*readable/ },
  },
  {
    what: 'the directory of the files lets others in',
    harm: (lab) => lab.files.chmod(FILES, 0o755),
    named: { workload: /workload-files.*others/ },
  },
  {
    what: 'the sidecar is stopped',
    harm: (lab) => lab.shell(`${ON_VM} sudo systemctl stop istio`),
    named: { sidecar: /is inactive/ },
  },
  {
    what: 'the sidecar does not start at boot',
    harm: (lab) => void (lab.machine(VM).units.get('istio')!.enabled = false),
    named: { sidecar: /does not start at boot/ },
  },
  {
    what: 'a file of the sidecar is changed',
    harm: (lab) => onGuest(lab, VM, '/etc/istio/config/mesh', (text) => text.replace('15013', '15012')),
    named: { sidecar: /\/etc\/istio\/config\/mesh/ },
  },
  {
    what: 'our lines in /etc/hosts are gone',
    harm: (lab) =>
      onGuest(lab, VM, '/etc/hosts', (text) => text.replace(/# istio-vms begin[\s\S]*# istio-vms end\n/, '')),
    named: { sidecar: /\/etc\/hosts/ },
  },
  {
    what: 'the demo workload is stopped',
    harm: (lab) => lab.shell(`${ON_VM} sudo systemctl stop istio-vms-demo`),
    named: { demo: /is inactive/ },
  },
  {
    what: 'the demo workload does not start at boot',
    harm: (lab) => void (lab.machine(VM).units.get('istio-vms-demo')!.enabled = false),
    named: { demo: /does not start at boot/ },
  },
  {
    what: 'the route is gone',
    harm: (lab) => drop(lab, 'services', 'external-app', 'vmns'),
    named: { route: /no Service vmns\/external-app/ },
  },
  {
    what: 'the sample is gone',
    harm: (lab) => drop(lab, 'namespace', 'sample'),
    named: { sample: /no Namespace sample/ },
  },
  {
    what: 'the sample runs without injection',
    harm: async (lab) => {
      edit(lab, 'namespaces', undefined, 'sample', ({ metadata }) => delete metadata.labels?.['istio.io/rev']);
      for (const pod of lab.cluster.list('pods').filter(({ metadata }) => metadata.namespace === 'sample')) {
        lab.cluster.store.remove('pods', 'sample', pod.metadata.name);
      }
      await lab.pass(60_000);
    },
    named: { sample: /Namespace sample has other labels/ },
  },
  {
    what: 'a worker is turned away, for its password is another one',
    harm: async (lab) => {
      onGuest(lab, 'k3s-worker-2', '/etc/rancher/node/password', () => 'another');
      await lab.shell('multipass exec -n k3s-worker-2 -- sudo systemctl restart --no-block k3s-agent');
      await lab.pass(120_000);
    },
    named: { 'k3s-agent-2': /k3s-worker-2 is not Ready/ },
  },
  {
    what: "the VM's address is another one",
    harm: (lab) => moved(lab, VM),
    named: { workload: /the VM is at 192\.168\.64\.104/ },
  },
  {
    what: "a worker's address is another one",
    harm: (lab) => moved(lab, 'k3s-worker-2'),
    named: { 'k3s-agent-2': /registered at .* the machine is at/ },
  },
  {
    what: "the first worker's address is another one",
    harm: (lab) => moved(lab, 'k3s-worker-1'),
    named: { 'k3s-agent-1': /registered at/ },
  },
  {
    what: "the server's address is another one",
    harm: (lab) => moved(lab, 'k3s-master'),
    named: { 'k3s-server': /kubeconfig names .* the machine is at/ },
  },
];
