import type { Config } from '../config/config.ts';
import { LABELS, labels } from './labels.ts';
import type { Manifest } from './object.ts';

/** A namespace whose pods get a sidecar of this lab's revision. */
export function meshNamespace(config: Config, name: string): Manifest {
  return namespace(config, name, { [LABELS.revision]: config.istio.revision });
}

/** A namespace whose pods stay outside the mesh. */
export function plainNamespace(config: Config, name: string): Manifest {
  return namespace(config, name, { 'istio-injection': 'disabled' });
}

/** A namespace with labels of ours; applied on the server's side, it may as well exist already. */
export function namespace(config: Config, name: string, extra: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels(config), ...extra } } };
}
