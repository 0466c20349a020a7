import type { Config } from '../config/config.ts';
import { curlClient } from './deployment.ts';
import { labels } from './labels.ts';
import { plainNamespace } from './namespace.ts';
import { SECURITY, type Manifest } from './object.ts';

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
