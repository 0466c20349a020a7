/** A Kubernetes object on its way out: plain data, serialised at the edge. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Served from Istio 1.19 to 1.32 (istio.io/api v1.32.0), while v1 begins at 1.22 only (docs/facts/istio-vm.md 3.4). */
export const NETWORKING = 'networking.istio.io/v1beta1';
export const SECURITY = 'security.istio.io/v1beta1';
