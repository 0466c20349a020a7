import type { Config, WorkloadConfig } from '../../config/config.ts';
import { labels, plainNamespace, SECURITY, type Manifest } from './manifest.ts';
import { SAMPLE_NAMESPACE } from './sample.ts';
import { curlClient } from './deployment.ts';

/**
 * The article's first experiment: deny all ingress of the workload. The policy selects pods, and the workload is not a
 * pod, so nothing changes (docs/facts/istio-vm.md 8.1).
 */
export function articleDenyAll(config: Config, workload: WorkloadConfig): Manifest {
  return policy(config, 'deny-all', workload.namespace, {
    podSelector: { matchLabels: { app: workload.app } },
    ingress: [],
  });
}

/**
 * The article's second experiment: allow egress of the sample namespace only to namespaces other than the machine's. A
 * namespace selector matches only pods, so all traffic to other destinations is dropped, including the machine.
 */
export function articleDenyEgress(config: Config, workload: WorkloadConfig): Manifest {
  return policy(config, 'deny-egress-tovm', SAMPLE_NAMESPACE, {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: {
              matchExpressions: [{ key: 'namespace', operator: 'NotIn', values: [workload.namespace] }],
            },
          },
        ],
      },
    ],
  });
}

/** What the second experiment intends: every destination is allowed except the machine's address. */
export function denyEgressToVm(config: Config, vmAddress: string): Manifest {
  return policy(config, 'deny-egress-to-vm', SAMPLE_NAMESPACE, {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: [`${vmAddress}/32`] } }] }],
  });
}

function policy(config: Config, name: string, namespace: string, spec: Readonly<Record<string, unknown>>): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels: labels(config) },
    spec,
  };
}

export const PLAIN_NAMESPACE = 'istio-vms-plain';
export const PLAIN_CLIENT = 'plain-client';

/** mTLS for the whole mesh: in the root namespace and without a selector (docs/facts/istio-vm.md 8.3). */
export function strictObject(config: Config): Manifest {
  return {
    apiVersion: SECURITY,
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: config.istio.namespace, labels: labels(config) },
    spec: { mtls: { mode: 'STRICT' } },
  };
}

/** A client without a sidecar, whose plain traffic must be refused while STRICT holds. */
export function plainClientObjects(config: Config): readonly Manifest[] {
  return [plainNamespace(config, PLAIN_NAMESPACE), curlClient(config, PLAIN_CLIENT, PLAIN_NAMESPACE)];
}
