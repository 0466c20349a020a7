import type { Manifest } from './object.ts';

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
