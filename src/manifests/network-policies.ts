import type { Config } from '../config/config.ts';
import { labels } from './labels.ts';
import type { Manifest } from './object.ts';
import { SAMPLE_NAMESPACE } from './sample.ts';

/**
 * The article's first experiment: deny all ingress of the workload. It selects pods, the workload is none, so nothing
 * changes (docs/facts/istio-vm.md 8.1).
 */
export function articleDenyAll(config: Config): Manifest {
  return policy(config, 'deny-all', config.vm.namespace, {
    podSelector: { matchLabels: { app: config.vm.app } },
    ingress: [],
  });
}

/**
 * The article's second experiment: egress of the sample namespace to namespaces other than the machine's. Such a peer can
 * only match pods, so every destination that is no pod is dropped, the machine among them.
 */
export function articleDenyEgress(config: Config): Manifest {
  return policy(config, 'deny-egress-tovm', SAMPLE_NAMESPACE, {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: {
              matchExpressions: [{ key: 'namespace', operator: 'NotIn', values: [config.vm.namespace] }],
            },
          },
        ],
      },
    ],
  });
}

/** What the second experiment wants to say: all may be reached but the machine's address. */
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
