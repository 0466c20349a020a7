import type { Config } from '../config/config.ts';

/** Names of the labels that we set or read. */
export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  lab: 'istio-vms/lab',
  network: 'topology.istio.io/network',
  revision: 'istio.io/rev',
} as const;

/** On every object that we make, so that we find it and remove nothing else. */
export function labels(config: Config): Readonly<Record<string, string>> {
  return { [LABELS.managedBy]: 'istio-vms', [LABELS.lab]: config.lab };
}
