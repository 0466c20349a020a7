import { k3sVersion, label, letterLabel, machineName, oneOf, port, size, wholeNumber } from '../syntax.ts';
import type { Variable } from '../variable.ts';

/** Machines of the cluster, and the workload VM. */
export const MACHINE_VARIABLES = {
  K3S_VERSION: {
    group: 'Cluster',
    default: '',
    derivedFrom: 'ISTIO_VERSION: the newest that fits',
    description: 'k3s version of all nodes.',
    syntax: k3sVersion,
  },
  NODE_PREFIX: {
    group: 'Cluster',
    default: 'k3s',
    description: 'Prefix of the node names: `k3s-master`, `k3s-worker-1`, ...',
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
  DEMO: {
    group: 'Workload VM',
    default: 'on',
    description:
      'Demo workload on VM_APP_PORT. With `off`, or where another application listens already, yours serves it.',
    syntax: oneOf('on', 'off'),
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
} as const satisfies Record<string, Variable>;
