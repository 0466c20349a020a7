import type { Cpu } from '../system/system.ts';

/** Outside port (of the east-west gateway) and inside port (of istiod or the gateway itself). */
export interface GatewayPort {
  readonly outside: number;
  readonly inside: number;
}

export interface MachineSize {
  readonly cpus: number;
  /** In the size grammar of the configuration, e.g. `8G`. */
  readonly memory: string;
  readonly disk: string;
}

/** One VM that joins the mesh. */
export interface WorkloadConfig {
  /** Name of its machine. */
  readonly name: string;
  readonly size: MachineSize;
  readonly app: string;
  readonly appPort: number;
  /** False after `DEMO=off`: an application of the user serves the port. */
  readonly demo: boolean;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Everything a run needs to know, derived and checked; paths are absolute. */
export interface Config {
  /** Name of this lab: ownership marker on machines, kubeconfig context `istio-vms-<lab>`. */
  readonly lab: string;
  readonly labSize: 'article' | 'small';
  /** What makes the machines. */
  readonly engine: string;
  /** Values of the variables that only this engine reads. */
  readonly engineSettings: Readonly<Record<string, string>>;
  /** Ubuntu release of every machine. */
  readonly runOs: string;
  readonly istio: {
    readonly version: string;
    /** `1.19` of `1.19.3`. */
    readonly minor: string;
    readonly revision: string;
    readonly namespace: string;
    readonly meshId: string;
    /** Name of the cluster inside the mesh. */
    readonly cluster: string;
    /** `ISTIO_ARCH`: the istioctl build to take instead of this computer's own, e.g. `osx-arm64`. */
    readonly arch?: string;
    /** A user's own IstioOperator file. */
    readonly overlay?: string;
    /** Registry of the images, where istioctl's own default is not to be used. */
    readonly hub?: string;
    /** Set when the minor no longer gets fixes; names the newest tested version. */
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
    /** Pinned SHA-256 of this version's release files, by file name; absent where we have none. */
    readonly digests?: Readonly<Record<string, string>>;
  };
  /** The VMs that join the mesh; the variables describe one. */
  readonly workloads: readonly [WorkloadConfig, ...WorkloadConfig[]];
  readonly networks: { readonly cluster: string; readonly vm: string };
  readonly gateway: {
    readonly status: GatewayPort;
    readonly istiod: GatewayPort;
    readonly webhook: GatewayPort;
  };
  readonly containerTool: 'docker' | 'podman';
  /** Mirror that stands in front of every download; the original path is kept below it. */
  readonly artifactsUrl?: string;
  /** How many machines may be launched at once (docs/facts/multipass.md 5). */
  readonly launches: number;
  readonly paths: {
    readonly data: string;
    readonly bin: string;
    readonly temp: string;
    readonly kubeconfig: string;
    /** `.data/workload-files`: the files of the only workload VM, or a directory for each. */
    readonly workloadFiles: string;
    /** Which machines this directory has launched. */
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

/** One variable as it was found, for `env`, the error screen and docs/configuration.md. */
export interface ConfigValue {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
  /** Line in run.env. */
  readonly line?: number;
}

/** One thing wrong with the configuration. */
export interface ConfigProblem {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
  readonly line?: number;
  /** What is allowed instead, a sentence. */
  readonly allowed: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly values: readonly ConfigValue[];
  /** One line each, e.g. shell lines of run.env that were not executed, or a version newer than we know. */
  readonly warnings: readonly string[];
  /** Set for a version of Istio that no longer gets fixes; only `up`, `istio` and `status` print it. */
  readonly endOfLife?: string;
}

/** What differs by Istio minor (docs/facts/istio-vm.md 0.1). */
export interface VersionRow {
  readonly lastPatch: string;
  /** Oldest Kubernetes minor that this Istio supports, e.g. `1.25`. */
  readonly kubernetesFloor: string;
  readonly k3s: string;
  readonly endOfLife: boolean;
  /** Where its images are pulled from. */
  readonly hub: string;
  /** What istioctl would take by itself, where that is not the hub: a registry that closes in December 2026. */
  readonly builtInHub?: string;
  /** Verb of pilot-agent that removes iptables rules. */
  readonly rulesCleanup: readonly string[];
  readonly helloworldImages: readonly [string, string];
}

/** Shipped as `data/versions.json` (docs/facts/istio-vm.md 0.1, docs/facts/k3s.md 1.2). */
export interface VersionTable {
  readonly newestTested: string;
  /** By minor, e.g. `1.30`. */
  readonly istio: Readonly<Record<string, VersionRow>>;
  /** file name → SHA-256, by version, where several independent public pins agree. */
  readonly digests: { readonly k3s: Readonly<Record<string, Readonly<Record<string, string>>>> };
}

export type { Cpu };
