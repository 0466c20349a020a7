import { stringify } from 'yaml';
import type { Config } from '../../config/config.ts';

/** A Kubernetes object to apply: plain data, serialized only when it is sent. */
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

/** Objects as one YAML text, one document each: for istioctl, and for people to read. */
export function toYaml(objects: readonly Manifest[]): string {
  // No anchors: not every reader of these files expands them. No folding: long values stay searchable. YAML 1.1
  // compatibility: Kubernetes reads `yes` and `on` as true.
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

/** On every object that we create, so that we can find it and remove nothing else. */
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

/** A namespace with our labels; server-side apply also works when it already exists. */
export function namespace(config: Config, name: string, extra: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels(config), ...extra } } };
}

/**
 * Annotation with the digest of the input of `istioctl install`, which itself keeps no record of it from about 1.23 on
 * (docs/facts/istio-vm.md 2.1).
 */
const INSTALLED = 'istio-vms/installed';

/**
 * The object with a record of what was installed. It is kept in the cluster, so that it cannot be lost or become stale.
 */
export function withRecord(object: Manifest, digest: string): Manifest {
  const annotations = { ...object.metadata.annotations, [INSTALLED]: digest };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The record on an object, if there is one. */
export function recordOf(
  object: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined } } | undefined,
): string | undefined {
  return object?.metadata.annotations?.[INSTALLED];
}
