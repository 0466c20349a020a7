import { stringify } from 'yaml';
import type { Config } from '../../config/config.ts';

/** A Kubernetes object on its way out: plain data, serialized at the edge. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly data?: unknown;
  readonly [field: string]: unknown;
}

/** Served from Istio 1.19 to 1.32 (istio.io/api v1.32.0), while v1 begins at 1.22 only (docs/facts/istio-vm.md 3.4). */
export const NETWORKING = 'networking.istio.io/v1beta1';
export const SECURITY = 'security.istio.io/v1beta1';

const HEADER = '# Made by istio-vms from its configuration; what is changed here is lost with the next run.\n';

/** Objects as one YAML text, a document each: for istioctl, and for people to read. */
export function toYaml(objects: readonly Manifest[]): string {
  // No anchors: not every reader of these files expands them. No folding: a long value stays easy to find. And Kubernetes
  // reads `yes` and `on` as true, as YAML 1.1 has it.
  const options = { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' } as const;
  return HEADER + objects.map((object) => stringify(object, options)).join('---\n');
}

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

/**
 * Digest of what was given to `istioctl install`, which itself leaves no trace of it from about 1.23 on
 * (docs/facts/istio-vm.md 2.1).
 */
const INSTALLED = 'istio-vms/installed';

/** The object with a note of what was installed: kept in the cluster, so that it is never lost and never stale. */
export function withRecord(object: Manifest, digest: string): Manifest {
  const annotations = { ...object.metadata.annotations, [INSTALLED]: digest };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The note on an object, if there is one. */
export function recordOf(
  object: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined } } | undefined,
): string | undefined {
  return object?.metadata.annotations?.[INSTALLED];
}
