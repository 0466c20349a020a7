import type { Config } from '../config/config.ts';
import { labels } from './labels.ts';
import type { Manifest } from './object.ts';

/** Which of the two IstioOperator documents a record is about. */
export type InstalledPart = 'control-plane' | 'gateway';

/** What was installed last: `istioctl install` leaves no trace of its input from about 1.23 on (facts/istio-vm.md 2.1). */
export interface InstallRecord {
  readonly version: string;
  /** Digest of the document and the user's overlay. */
  readonly digest: string;
}

/** A ConfigMap for each part: server-side apply would drop the other part's fields from a shared one. */
export function installRecord(config: Config, part: InstalledPart, digest: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: recordName(part), namespace: config.istio.namespace, labels: labels(config) },
    data: { version: config.istio.version, digest },
  };
}

export function recordName(part: InstalledPart): string {
  return `istio-vms-${part}`;
}

/** Empty strings where there is no record. */
export function readInstallRecord(object: { readonly [field: string]: unknown } | undefined): InstallRecord {
  const data = (object?.['data'] ?? {}) as Partial<InstallRecord>;
  return { version: data.version ?? '', digest: data.digest ?? '' };
}
