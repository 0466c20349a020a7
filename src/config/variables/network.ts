import { label, port } from '../syntax.ts';
import type { Variable } from '../variable.ts';

/** The mesh, its networks, and the ports of the east-west gateway. */
export const NETWORK_VARIABLES = {
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
    description: 'Health port of the east-west gateway, inside.',
    syntax: port,
  },
  DEFAULT_PORT_TLS_ISTIOD: {
    group: 'Gateway ports',
    default: '15012',
    description: 'Port of the gateway for istiod, inside.',
    syntax: port,
  },
  DEFAULT_PORT_TLS_WEBHOOK: {
    group: 'Gateway ports',
    default: '15017',
    description: "Port of the gateway for istiod's webhook, inside.",
    syntax: port,
  },
  EWG_PORT_STATUS: {
    group: 'Gateway ports',
    default: '15022',
    description: 'Health port of the gateway, outside.',
    syntax: port,
  },
  EWG_PORT_TLS_ISTIOD: {
    group: 'Gateway ports',
    default: '15013',
    description: 'Port of the gateway for istiod, outside; the VM uses it.',
    syntax: port,
  },
  EWG_PORT_TLS_WEBHOOK: {
    group: 'Gateway ports',
    default: '15018',
    description: "Port of the gateway for istiod's webhook, outside.",
    syntax: port,
  },
} as const satisfies Record<string, Variable>;
