import type { Cpu } from '../system/system.ts';

/** External port (of the east-west gateway) and internal port (of istiod or the gateway itself). */
export interface GatewayPort {
  readonly outside: number;
  readonly inside: number;
}

export interface MachineSize {
  readonly cpus: number;
  /** A size as in the configuration, e.g. `8G`. */
  readonly memory: string;
  readonly disk: string;
}

/** A VM that joins the mesh. */
export interface WorkloadConfig {
  /** Name of its machine. */
  readonly name: string;
  readonly size: MachineSize;
  readonly app: string;
  readonly appPort: number;
  /** False with `DEMO=off`: the user's own application serves the port. */
  readonly demo: boolean;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The complete configuration of a run, derived and validated; paths are absolute. */
export interface Config {
  /** Name of this lab: ownership marker on machines, kubeconfig context `istio-vms-<lab>`. */
  readonly lab: string;
  readonly labSize: 'article' | 'small';
  /** The engine that creates the machines. */
  readonly engine: string;
  /** Values of the variables that belong only to this engine. */
  readonly engineSettings: Readonly<Record<string, string>>;
  /** Ubuntu release of every machine. */
  readonly runOs: string;
  readonly istio: {
    readonly version: string;
    /** The minor version, e.g. `1.19` for `1.19.3`. */
    readonly minor: string;
    readonly revision: string;
    readonly namespace: string;
    readonly meshId: string;
    /** Name of the cluster inside the mesh. */
    readonly cluster: string;
    /** `ISTIO_ARCH`: the istioctl build to use instead of the one for this computer, e.g. `osx-arm64`. */
    readonly arch?: string;
    /** A user's own IstioOperator file. */
    readonly overlay?: string;
    /** Registry of the images, when it differs from istioctl's default. */
    readonly hub?: string;
    /** Set when the minor is end-of-life; names the newest tested version. */
    readonly endOfLife?: { readonly newestTested: string };
  };
  readonly k3s: {
    readonly version: string;
    readonly workers: number;
    /** Machine names. */
    readonly master: string;
    readonly workerNames: readonly string[];
    readonly masterSize: MachineSize;
    readonly workerSize: MachineSize;
    /** Pinned SHA-256 of this version's release files, by file name; absent when none is known. */
    readonly digests?: Readonly<Record<string, string>>;
  };
  /** The VMs that join the mesh; the variables configure one. */
  readonly workloads: readonly [WorkloadConfig, ...WorkloadConfig[]];
  readonly networks: { readonly cluster: string; readonly vm: string };
  readonly gateway: {
    readonly status: GatewayPort;
    readonly istiod: GatewayPort;
    readonly webhook: GatewayPort;
  };
  readonly containerTool: 'docker' | 'podman';
  /** Base URL of a mirror that all downloads use; the original path is appended. */
  readonly artifactsUrl?: string;
  /** How many machines may be launched at once (docs/facts/multipass.md 5). */
  readonly launches: number;
  readonly paths: {
    readonly data: string;
    readonly bin: string;
    readonly temp: string;
    readonly kubeconfig: string;
    /** `.data/workload-files`: the files of the only workload VM, or one directory per VM. */
    readonly workloadFiles: string;
    /** The record of the machines launched from this directory. */
    readonly machinesRecord: string;
    /** `.bin/istioctl`, a link to `istioctl-VERSION`. */
    readonly istioctlLink: string;
    readonly istioctl: string;
    /** Rendered manifests, for people to read. */
    readonly manifests: string;
    readonly logs: string;
    /** Downloads shared by every lab of the user (XDG). */
    readonly cache: string;
  };
  readonly context: string;
}

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'run.env' | 'default' | 'derived';

/** One variable with its value and origin, for `env`, the error screen and docs/configuration.md. */
export interface ConfigValue {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
  /** Line in run.env. */
  readonly line?: number;
}

/** An error in the configuration. */
export interface ConfigProblem {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
  readonly line?: number;
  /** What is expected instead, as a sentence. */
  readonly allowed: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly values: readonly ConfigValue[];
  /** One line each, e.g. shell lines of run.env that were not executed, or a version newer than the known ones. */
  readonly warnings: readonly string[];
  /** Set for an Istio version that is end-of-life; only `up`, `istio` and `status` print it. */
  readonly endOfLife?: string;
}

/** What differs between Istio minors (docs/facts/istio-vm.md 0.1). */
export interface VersionRow {
  readonly lastPatch: string;
  /** Oldest Kubernetes minor that this Istio supports, e.g. `1.25`. */
  readonly kubernetesFloor: string;
  readonly k3s: string;
  readonly endOfLife: boolean;
  /** Where its images are pulled from. */
  readonly hub: string;
  /** istioctl's default registry when it differs from the hub: one that closes in December 2026. */
  readonly builtInHub?: string;
  /** pilot-agent arguments that remove iptables rules. */
  readonly rulesCleanup: readonly string[];
  readonly helloworldImages: readonly [string, string];
}

/** Shipped as `data/versions.json` (docs/facts/istio-vm.md 0.1, docs/facts/k3s.md 1.2). */
export interface VersionTable {
  readonly newestTested: string;
  /** By minor, e.g. `1.30`. */
  readonly istio: Readonly<Record<string, VersionRow>>;
  /** file name → SHA-256, by version, when several independent public pins agree. */
  readonly digests: { readonly k3s: Readonly<Record<string, Readonly<Record<string, string>>>> };
}

export type { Cpu };
