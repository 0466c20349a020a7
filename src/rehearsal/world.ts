import type { FaultName } from './faults.ts';
import type { Files, Cpu, Host, Command } from '../system/system.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { VirtualClock } from './clock.ts';

/**
 * The simulated outside world, as data. Host programs (`rehearsal/host`) and guest programs (`rehearsal/guest`) read
 * and change it; time passes only on its clock. It does not depend on the steps of istio-vms, and follows
 * `docs/facts/`.
 */
export interface World {
  readonly clock: VirtualClock;
  readonly host: Host;
  readonly shipped: ShippedData;
  /**
   * Names of faults that are switched on (`rehearsal/faults.ts`). A one-shot fault is removed once it has taken effect.
   */
  readonly faults: Set<FaultName>;
  /** Names of faults that have had an effect in this world so far. */
  readonly triggeredFaults: Set<FaultName>;
  /** Host programs that are installed; a missing one fails as `not-found`. */
  readonly tools: Set<string>;
  readonly engine: EngineState;
  /** The Kubernetes cluster, once a k3s server has been started on some instance. */
  cluster: Cluster | undefined;
  /**
   * Programs on every machine besides those that istio-vms runs, by name; `sh` gets the command lines that are no script
   * of istio-vms. Empty but for tests of the engines.
   */
  readonly guestPrograms: Map<string, GuestProgram>;
  /** Containers of docker or podman on the host, by name → image. */
  readonly containers: Map<string, string>;
  /** Images that docker or podman has, by full name → CPU: one per name. */
  readonly containerImages: Map<string, Cpu>;
  /**
   * What a program here did not understand: an unknown command, argument or guest command line. Real tools reject these
   * in their own words; with the list a test can check that no call of istio-vms is rejected.
   */
  readonly refused: string[];
  /** Set only by crash tests. Statements labeled `CRASH_POINT` call it; the build drops them from the package. */
  crashPoints?: CrashPoints | undefined;
  /** Deterministic bytes for tokens and uids: the n-th call gives the n-th value. */
  readonly token: (bytes: number) => string;
}

/** How long the life cycle steps of a machine take with an engine, in milliseconds. */
export interface EnginePace {
  /** Power on until commands can be run. */
  readonly boot: number;
  /** From then until the engine knows the address. */
  readonly address: number;
  /** The first boot's cloud-init, from the moment commands can be run. */
  readonly cloudInit: number;
  readonly shutdown: number;
}

/** How the simulated engines differ, besides their programs. */
export interface EngineTraits {
  readonly version: (host: Host) => string;
  readonly pace: (settings: EngineState['settings']) => EnginePace;
  /** First three octets of every machine's address. */
  readonly subnet: string;
  readonly localImages: (settings: EngineState['settings']) => readonly string[];
  /** The script through which every command reaches a machine, as its exact text. */
  readonly wrapper: {
    readonly text: string;
    readonly run: (call: GuestCall, inner: GuestProgram) => Promise<ProgramResult>;
  };
}

export interface EngineState {
  readonly name: string;
  version: string;
  readonly pace: EnginePace;
  /** Values of the engine's own variables; everything that they name exists. */
  readonly settings: Readonly<Record<string, string>>;
  /** Images that this computer has even without a network. */
  readonly localImages: readonly string[];
  daemonUp: boolean;
  readonly instances: Map<string, Instance>;
  /** Releases whose image the daemon has fetched. */
  readonly images: Set<string>;
  /** Names whose launch has begun but whose machine does not exist yet; not listed (docs/facts/multipass.md 2.5). */
  readonly preparing: Set<string>;
  /** First three octets of every machine's address. */
  readonly subnet: string;
  /** Last octet of the next address. */
  nextAddress: number;
}

export interface Instance {
  readonly name: string;
  readonly release: string;
  readonly cpus: number;
  readonly memory: string;
  readonly disk: string;
  readonly cpu: Cpu;
  state: 'Starting' | 'Restarting' | 'Running' | 'Stopped' | 'Suspended' | 'Deleted' | 'Unknown';
  address: string;
  /** False while the engine does not know the address yet and answers `N/A`. */
  addressKnown: boolean;
  /** New at every boot. */
  bootId: string;
  /** cloud-init rewrites /etc/hosts at every boot (an engine's own default; user data may switch it off). */
  manageHosts: boolean;
  cloudInit: 'running' | 'done' | 'error';
  readonly files: Map<string, GuestEntry>;
  readonly users: Set<string>;
  /** systemd units by name without `.service`. Only units whose file exists can be started. */
  readonly units: Map<string, Unit>;
  /** Installed packages → version. */
  readonly packages: Map<string, string>;
  /** Container images that k3s has imported from files, by full name. */
  readonly importedImages: Set<string>;
  /** True once Istio's nat rules are loaded. */
  rules: boolean;
  /** Sessions opened before this moment hang (docs/facts/istio-vm.md 5.6); set by a naive start. */
  frozenUntilNewSession: boolean;
}

export interface GuestEntry {
  content: string | Uint8Array;
  mode: number;
  owner: string;
  group: string;
  /** Where a symbolic link points to; its content is empty. Read paths through `rehearsal/guest/files.ts`. */
  link?: string;
}

export interface Unit {
  enabled: boolean;
  active: 'inactive' | 'activating' | 'active' | 'failed';
  /** World time of the last start. */
  since: number;
  /**
   * World time of the last change of `active`; health probes flip some time after it, or without it after they noticed.
   */
  changed?: number;
  restarts: number;
  /** Last lines of the journal. */
  readonly journal: string[];
}

interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid?: string | undefined;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** A Kubernetes object as the API server holds it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    creationTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
    deletionTimestamp?: string;
    finalizers?: string[];
    generation?: number;
    resourceVersion?: string;
  };
  [field: string]: unknown;
}

/** The object store with the few controllers that matter. Implemented in `rehearsal/cluster/`. */
export interface Cluster {
  /** Instance name of the k3s server. The API answers only while that instance runs and its unit is active. */
  readonly server: string;
  /** PEM of the cluster's CA: new for every cluster, so that stale copies are detected. */
  readonly ca: string;
  /** Whether the API server answers now (`/readyz`). */
  ready(): boolean;
  /** Secure join token of the agents (docs/facts/k3s.md 2.5). */
  readonly agentToken: string;
  /** Content of /etc/rancher/k3s/k3s.yaml. */
  kubeconfig(): string;
  /**
   * The kubelet of an instance registers or returns; its node is Ready a little later. Rejects a recreated machine
   * whose old node password is stored.
   */
  joinNode(node: {
    name: string;
    address: string;
    role: 'server' | 'agent';
    version: string;
    password: string;
    server?: string | undefined;
  }): {
    rejected?: string;
  };
  /** The instance is gone or stopped: its node becomes NotReady. */
  nodeDown(name: string): void;
  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined;
  /** All of a fully qualified plural kind, e.g. `workloadentries.networking.istio.io`. */
  list(kind: string): KubeObject[];
  has(kind: string): boolean;
}

/** istiod's and Envoy's view of workload VMs. Implemented in `rehearsal/mesh/`, used by `rehearsal/guest/`. */
export interface Mesh {
  /**
   * Whether the sidecar of this instance would be ready now, and if not why, in the words of its journal. Checks the
   * files on the instance, /etc/hosts, the gateway's ports, the expose objects, the token, the clock.
   */
  sidecar(instance: Instance): { ready: true; identity?: string } | { ready: false; reason: string; fatal?: boolean };
  /** Called when the sidecar unit starts, stops, or its instance goes away: registers and unregisters. */
  started(instance: Instance): void;
  stopped(instance: Instance): void;
  /** Resolves a name with the VM's own resolver. */
  resolve(instance: Instance, name: string): { addresses: string[] } | { error: string };
  /** An HTTP request made on the VM by an ordinary user. */
  requestFromVm(instance: Instance, url: string): HttpAnswer;
  /** An HTTP request made in a pod of this deployment. */
  requestFromPod(namespace: string, deployment: string, url: string): HttpAnswer;
  /** PEM-ish JSON of Envoy's /certs. */
  certificates(instance: Instance): string | undefined;
}

export interface HttpAnswer {
  /** curl's exit code. */
  readonly exit: number;
  /** HTTP status; 0 when there was none. */
  readonly status: number;
  readonly body: string;
  readonly stderr: string;
}

/** The result of a simulated program, whose time has already passed on the clock. */
export interface ProgramResult {
  exitCode: number;
  stdout?: string | Uint8Array;
  stderr?: string;
  /** Names an argument that the world does not know and rejects. The real tool might have accepted it. */
  refused?: string;
}

/** One call of a host program. `files` is where host paths are read and written (simulated, or real in smoke tests). */
export interface HostCall {
  readonly world: World;
  readonly mesh: Mesh;
  readonly files: Files;
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  readonly env: Readonly<Record<string, string>>;
  readonly command: Command;
  /** Reports a line of stderr before the program ends; the result's own stderr comes after it. */
  readonly tell?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export type HostProgram = (call: HostCall) => Promise<ProgramResult>;

/** One call of a program on an instance, as the user ubuntu (or root behind sudo). */
export interface GuestCall {
  readonly world: World;
  readonly mesh: Mesh;
  readonly instance: Instance;
  readonly root: boolean;
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  /** Variables set by env(1). */
  readonly env?: Readonly<Record<string, string>>;
  /** Aborted when a time limit on the machine ends the call (timeout(1)). */
  readonly ended?: AbortSignal;
}

export type GuestProgram = (call: GuestCall) => Promise<ProgramResult>;

/** Points at which work of the simulated world can end half done, e.g. `place vm: 2 of 11 files`. */
export interface CrashPoints {
  /**
   * Never resolves where the work ends.
   * @param atEnd what the world sees of a process that is gone, e.g. that it no longer holds a stage
   */
  readonly at: (place: string, atEnd?: () => void) => Promise<void>;
  /** For work with several waiting callers: whether it ends here. */
  readonly endsAt: (place: string) => Promise<boolean>;
}
