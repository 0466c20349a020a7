export interface IstioPrograms {
  readonly version: string;
  readonly istioctl: string;
  readonly pilotAgent: string;
  readonly pilotDiscovery: string;
  /** tools/packaging/common of the module: bootstrap template, unit, start script. */
  readonly packaging: string;
}

export interface MeshPrograms {
  /** Directory with kube-apiserver, kubectl, … and kube-router. */
  readonly kubernetes: string;
  readonly etcd: string;
  readonly envoy: string;
  readonly helloworld: string;
  readonly istio: readonly IstioPrograms[];
}
