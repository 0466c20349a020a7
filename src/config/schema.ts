import {
  imageName,
  incusName,
  istioVersion,
  k3sVersion,
  label,
  letterLabel,
  machineName,
  memberNames,
  mirrorUrl,
  oneOf,
  path,
  port,
  revision,
  size,
  ubuntuRelease,
  wholeNumber,
  type Syntax,
} from './syntax.ts';

/** The sections of run.env.example and of the README's table, in their order. */
export const GROUPS = [
  'Lab',
  'Istio',
  'Cluster',
  'Workload VM',
  'Incus',
  'Mesh and networks',
  'Gateway ports',
  'Files',
] as const;

export interface Variable {
  readonly group: (typeof GROUPS)[number];
  /** Empty where `derivedFrom` says what stands in its place. */
  readonly default: string;
  /** For an empty default: what it follows from, in words. */
  readonly derivedFrom?: string;
  /** For people; part of run.env.example and the README. */
  readonly description: string;
  readonly syntax: Syntax;
}

/**
 * Every variable there is, once. run.env.example, the README's table, the flags' names and the checks are made from it.
 * Names and defaults are those of the original project wherever it had them.
 */
export const SCHEMA = {
  LAB_NAME: {
    group: 'Lab',
    default: 'lab',
    description:
      'Name of this lab. Machines carry it as a mark of ownership, the kubeconfig context is `istio-vms-LAB_NAME`.',
    syntax: label,
  },
  LAB_SIZE: {
    group: 'Lab',
    default: 'article',
    description:
      'Sizes of the machines where nothing else is set: as in the article (18 GB in all), or small (6 GB in all).',
    syntax: oneOf('article', 'small'),
  },
  RUN_OS: {
    group: 'Lab',
    default: '22.04',
    description: 'Ubuntu release of all machines.',
    syntax: ubuntuRelease,
  },
  MACHINE_ENGINE: {
    group: 'Lab',
    default: 'multipass',
    description: 'What makes the machines: multipass, or incus (Linux; also a cluster of computers).',
    syntax: oneOf('multipass', 'incus'),
  },
  LAUNCHES: {
    group: 'Lab',
    default: '2',
    description: 'How many machines may be launched at once.',
    syntax: wholeNumber(1, 8),
  },
  CONTAINER_TOOL: {
    group: 'Lab',
    default: 'docker',
    description:
      'Takes the sidecar out of the image where there is no package for the VM, and fetches container images for a bundle.',
    syntax: oneOf('docker', 'podman'),
  },
  ISTIO_VERSION: {
    group: 'Istio',
    default: '1.19.3',
    description: 'Istio, from 1.19 to 1.30.',
    syntax: istioVersion,
  },
  ISTIO_REVISION: {
    group: 'Istio',
    default: '',
    derivedFrom: 'ISTIO_VERSION with hyphens',
    description: 'Revision of the control plane.',
    syntax: revision,
  },
  ISTIO_NAMESPACE: {
    group: 'Istio',
    default: 'istio-system',
    description: 'Namespace of the control plane and its gateways.',
    syntax: label,
  },
  ISTIO_ARCH: {
    group: 'Istio',
    default: '',
    derivedFrom: 'this computer',
    description: 'Which build of istioctl to take.',
    syntax: oneOf('osx-arm64', 'osx-amd64', 'linux-armv7', 'linux-arm64', 'linux-amd64'),
  },
  ISTIO_OVERLAY: {
    group: 'Istio',
    default: '',
    derivedFrom: 'none',
    description: 'Your own IstioOperator file, given to `istioctl install` after ours.',
    syntax: path,
  },
  K3S_VERSION: {
    group: 'Cluster',
    default: '',
    derivedFrom: 'ISTIO_VERSION: the newest that fits',
    description: 'k3s on all nodes.',
    syntax: k3sVersion,
  },
  NODE_PREFIX: {
    group: 'Cluster',
    default: 'k3s',
    description: 'First part of the node names: `k3s-master`, `k3s-worker-1`, ...',
    syntax: letterLabel,
  },
  WORKERS: { group: 'Cluster', default: '2', description: 'Number of workers.', syntax: wholeNumber(1, 50) },
  CPU_MASTER: {
    group: 'Cluster',
    default: '2',
    description: 'CPUs of the control plane node.',
    syntax: wholeNumber(1, 256),
  },
  CPU_WORKER: { group: 'Cluster', default: '2', description: 'CPUs of each worker.', syntax: wholeNumber(1, 256) },
  MEM_MASTER: {
    group: 'Cluster',
    default: '1G',
    description: 'Memory of the control plane node.',
    syntax: size('128M'),
  },
  MEM_WORKER: { group: 'Cluster', default: '8G', description: 'Memory of each worker.', syntax: size('128M') },
  DISK_MASTER: {
    group: 'Cluster',
    default: '4G',
    description: 'Disk of the control plane node.',
    syntax: size('512M'),
  },
  DISK_WORKER: { group: 'Cluster', default: '8G', description: 'Disk of each worker.', syntax: size('512M') },
  WORKLOAD_VM_NAME: {
    group: 'Workload VM',
    default: 'vm-istio-external-workload',
    description: 'Name of the machine that joins the mesh.',
    syntax: machineName,
  },
  CPU_VM: { group: 'Workload VM', default: '2', description: 'CPUs of the workload VM.', syntax: wholeNumber(1, 256) },
  MEM_VM: { group: 'Workload VM', default: '1G', description: 'Memory of the workload VM.', syntax: size('128M') },
  DISK_VM: { group: 'Workload VM', default: '4G', description: 'Disk of the workload VM.', syntax: size('512M') },
  VM_APP: {
    group: 'Workload VM',
    default: 'external-app',
    description: 'Name of the application: WorkloadGroup, Service and label `app`.',
    syntax: letterLabel,
  },
  VM_APP_PORT: {
    group: 'Workload VM',
    default: '8000',
    description: 'Port of the application on the VM.',
    syntax: port,
  },
  VM_NAMESPACE: {
    group: 'Workload VM',
    default: 'vmns',
    description: 'Namespace of the workload.',
    syntax: label,
  },
  SERVICE_ACCOUNT: {
    group: 'Workload VM',
    default: 'vmsa',
    description: 'Service account of the workload: its identity in the mesh.',
    syntax: label,
  },
  INCUS_IMAGE: {
    group: 'Incus',
    default: '',
    derivedFrom: 'images:ubuntu/RUN_OS/cloud',
    description:
      'Image of all machines: with user ubuntu, cloud-init and Python, as the cloud variants of `images:` are.',
    syntax: imageName,
  },
  INCUS_TYPE: {
    group: 'Incus',
    default: '',
    derivedFrom: 'virtual-machine where Incus can run one, else container',
    description:
      'Virtual machines, or system containers. A container that runs k3s is privileged and shares the kernel of its host.',
    syntax: oneOf('container', 'virtual-machine'),
  },
  INCUS_REMOTE: {
    group: 'Incus',
    default: '',
    derivedFrom: "your incus client's default",
    description: 'Server on which the machines are made.',
    syntax: incusName,
  },
  INCUS_PROJECT: {
    group: 'Incus',
    default: '',
    derivedFrom: "your incus client's default",
    description: 'Project in which the machines are made.',
    syntax: incusName,
  },
  INCUS_NETWORK: {
    group: 'Incus',
    default: '',
    derivedFrom: 'that of the profile default',
    description: 'Network of the machines.',
    syntax: incusName,
  },
  INCUS_TARGETS: {
    group: 'Incus',
    default: '',
    derivedFrom: 'none: Incus chooses',
    description: 'Members of a cluster over which the machines are spread in turn, with commas between.',
    syntax: memberNames,
  },
  ISTIO_MESH_ID: { group: 'Mesh and networks', default: 'vmmesh', description: 'Id of the mesh.', syntax: label },
  ISTIO_CLUSTER: {
    group: 'Mesh and networks',
    default: 'test',
    description: 'Name of the cluster inside the mesh.',
    syntax: label,
  },
  CLUSTER_NETWORK: {
    group: 'Mesh and networks',
    default: 'kube-network',
    description: "Istio's name for the network of the cluster.",
    syntax: label,
  },
  VM_NETWORK: {
    group: 'Mesh and networks',
    default: 'vm-network',
    description: "Istio's name for the network of the VM.",
    syntax: label,
  },
  DEFAULT_PORT_STATUS: {
    group: 'Gateway ports',
    default: '15021',
    description: 'Where the east-west gateway itself answers for its health.',
    syntax: port,
  },
  DEFAULT_PORT_TLS_ISTIOD: {
    group: 'Gateway ports',
    default: '15012',
    description: 'Where the gateway takes connections to istiod, inside.',
    syntax: port,
  },
  DEFAULT_PORT_TLS_WEBHOOK: {
    group: 'Gateway ports',
    default: '15017',
    description: "Where the gateway takes connections to istiod's webhook, inside.",
    syntax: port,
  },
  EWG_PORT_STATUS: {
    group: 'Gateway ports',
    default: '15022',
    description: 'The status port as seen from outside.',
    syntax: port,
  },
  EWG_PORT_TLS_ISTIOD: {
    group: 'Gateway ports',
    default: '15013',
    description: 'The istiod port as seen from outside: the VM uses it.',
    syntax: port,
  },
  EWG_PORT_TLS_WEBHOOK: {
    group: 'Gateway ports',
    default: '15018',
    description: 'The webhook port as seen from outside.',
    syntax: port,
  },
  DATA_DIR: {
    group: 'Files',
    default: '.data',
    description: 'Kubeconfig and workload files (secrets).',
    syntax: path,
  },
  BIN_DIR: { group: 'Files', default: '.bin', description: 'istioctl.', syntax: path },
  TEMP_DIR: { group: 'Files', default: '.tmp', description: 'Rendered manifests and logs.', syntax: path },
  KUBECONFIG: {
    group: 'Files',
    default: '',
    derivedFrom: 'DATA_DIR/.kubeconfig',
    description: "The lab's kubeconfig. Your own (`~/.kube/config`) is never written to.",
    syntax: path,
  },
  ISTIO_VMS_CACHE: {
    group: 'Files',
    default: '',
    derivedFrom: "your user's cache directory",
    description: 'Verified downloads, shared by all labs.',
    syntax: path,
  },
  ARTIFACTS_URL: {
    group: 'Files',
    default: '',
    derivedFrom: 'none',
    description:
      'A mirror to download from (http, https or file): it replaces the host, the original path is kept below it.',
    syntax: mirrorUrl,
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof SCHEMA;

export const VARIABLE_NAMES = Object.keys(SCHEMA) as readonly VariableName[];

/** The entry of a name, with its optional fields in view. */
export function variable(name: VariableName): Variable {
  return SCHEMA[name];
}

export function isVariableName(name: string): name is VariableName {
  return Object.hasOwn(SCHEMA, name);
}
