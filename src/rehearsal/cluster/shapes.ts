import type { KubeObject } from '../world.ts';
import type { LabelSelector, Labels } from './selectors.ts';

/** The parts of well-known objects that controllers and the mesh read; the store gives them their types. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastHeartbeatTime?: string;
  lastProbeTime?: string;
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export interface NodeObject extends KubeObject {
  spec: { podCIDR: string; taints?: Taint[]; unschedulable?: boolean };
  status: {
    conditions: Condition[];
    addresses: { type: string; address: string }[];
    nodeInfo: Record<string, string>;
    capacity: Record<string, string>;
    allocatable: Record<string, string>;
  };
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  ports?: { name?: string; containerPort: number; hostPort?: number; protocol?: string }[];
  env?: { name: string; value?: string }[];
  resources?: { requests?: { cpu?: string; memory?: string } };
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  nodeName?: string;
  serviceAccountName?: string;
  tolerations?: Toleration[];
  hostNetwork?: boolean;
}

export interface PodTemplate {
  metadata?: { labels?: Labels; annotations?: Labels };
  spec: PodSpec;
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: {
    phase: 'Pending' | 'Running';
    conditions: Condition[];
    containerStatuses?: {
      name: string;
      image: string;
      ready: boolean;
      restartCount: number;
      state: { waiting?: { reason?: string; message?: string }; [field: string]: unknown };
    }[];
    podIP?: string;
    hostIP?: string;
  };
}

export interface Deployment extends KubeObject {
  spec: { replicas?: number; selector?: LabelSelector; template: PodTemplate };
  status?: {
    observedGeneration: number;
    /** Omitted when it is 0, like the other counts. */
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions: Condition[];
  };
}

export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  protocol?: string;
  nodePort?: number;
}

export interface Service extends KubeObject {
  spec: { type?: string; clusterIP?: string; clusterIPs?: string[]; ports?: ServicePort[]; selector?: Labels };
  status?: { loadBalancer: { ingress?: { ip?: string; ipMode?: string; hostname?: string }[] } };
}

export interface Namespace extends KubeObject {
  status?: { phase?: string };
}

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

interface Secret extends KubeObject {
  stringData?: Record<string, string>;
}

export interface WorkloadGroup extends KubeObject {
  spec: {
    metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
    template?: { labels?: Record<string, string>; serviceAccount?: string; [field: string]: unknown };
  };
}

export interface WorkloadEntry extends KubeObject {
  spec: { address?: string };
  status?: { conditions?: Condition[] };
}

export interface GatewayServer {
  readonly port: { readonly number: number; readonly protocol?: string };
  readonly hosts?: readonly string[];
  readonly tls?: { readonly mode?: string };
}

export interface Gateway extends KubeObject {
  spec: { selector?: Labels; servers?: readonly GatewayServer[] };
}

interface TlsRoute {
  readonly match?: readonly { readonly port?: number; readonly sniHosts?: readonly string[] }[];
  readonly route?: readonly { readonly destination: { readonly host: string; readonly port?: { number: number } } }[];
}

interface VirtualService extends KubeObject {
  spec: { gateways?: readonly string[]; tls?: readonly TlsRoute[] };
}

export interface DestinationRule extends KubeObject {
  spec: {
    host?: string;
    trafficPolicy?: { connectionPool?: { http?: { maxRequestsPerConnection?: number } } };
  };
}

interface PeerAuthentication extends KubeObject {
  spec?: { selector?: { matchLabels?: Labels }; mtls?: { mode?: string } };
}

/** Whom a NetworkPolicy allows. */
export interface NetworkPeer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
}

interface NetworkPolicy extends KubeObject {
  spec: {
    podSelector?: LabelSelector;
    policyTypes?: readonly string[];
    egress?: readonly {
      readonly to?: readonly NetworkPeer[];
      readonly ports?: readonly { readonly port?: number | string }[];
    }[];
  };
}

/** The kinds of which the simulated world reads fields, by fully qualified plural. */
interface Shapes {
  nodes: NodeObject;
  pods: Pod;
  services: Service;
  namespaces: Namespace;
  configmaps: ConfigMap;
  secrets: Secret;
  'deployments.apps': Deployment;
  'networkpolicies.networking.k8s.io': NetworkPolicy;
  'workloadgroups.networking.istio.io': WorkloadGroup;
  'workloadentries.networking.istio.io': WorkloadEntry;
  'gateways.networking.istio.io': Gateway;
  'virtualservices.networking.istio.io': VirtualService;
  'destinationrules.networking.istio.io': DestinationRule;
  'peerauthentications.security.istio.io': PeerAuthentication;
}

/** An object of a kind that is given by its fully qualified plural. */
export type ObjectOf<P extends string> = P extends keyof Shapes ? Shapes[P] : KubeObject;

/** The conditions of an object of any kind. */
export function conditionsOf({ status }: KubeObject): readonly Condition[] {
  const conditions = typeof status === 'object' && status !== null && 'conditions' in status ? status.conditions : [];
  return Array.isArray(conditions) ? (conditions as Condition[]) : [];
}

/** The condition of this type, if any. */
export function condition(
  object: { status?: { conditions?: Condition[] } } | undefined,
  type: string,
): Condition | undefined {
  return object?.status?.conditions?.find((entry) => entry.type === type);
}

/** Whether an object's condition `Ready` is True. */
export const isReady = (object: { status?: { conditions?: Condition[] } } | undefined): boolean =>
  condition(object, 'Ready')?.status === 'True';

/** The uid of the object that created a pod. */
export const ownerOf = ({ metadata }: Pod): string | undefined => metadata.ownerReferences?.[0]?.uid;

/** Whether a namespace is being deleted. */
export const isTerminating = ({ status }: Namespace): boolean => status?.phase === 'Terminating';
