import type { KubeObject } from '../world.ts';
import type { LabelSelector, Labels } from './selectors.ts';

/** The parts of well-known objects that controllers read. Casts happen at the store's edge, in `kube.ts`. */
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
      state: Record<string, unknown>;
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
