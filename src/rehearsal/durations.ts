import type { FaultName } from './faults.ts';
import type { EnginePace } from './world.ts';

/**
 * How long things take in the simulated world, in milliseconds. Each figure has its source: `docs/facts/figures.md` 1
 * where it was measured, other facts where they bound it, and otherwise an estimate that adds up to the scenario totals
 * of `docs/facts/figures.md` 2 (sequential about 345 s, critical path about 145 s).
 */
const second = 1_000;

/** Bytes per second of an ordinary connection: 38.8 MB in 11 s (docs/facts/figures.md 1, istio#41595). */
export const LINE_BYTES_PER_SECOND = 38_800_000 / 11;
/** Time to the first byte: TLS, redirects of release pages. Estimate. */
export const LINE_LATENCY = 0.4 * second;
/** How often a download reports progress. */
export const PROGRESS_EVERY = 1 * second;

/** A call of an engine's client that contacts no guest. Estimate: process start and one local RPC. */
export const ENGINE_CALL = 0.08 * second;
/** `list` and `info` open an SSH session to each running guest (docs/facts/multipass.md 1.4). Estimate. */
export const ENGINE_ASKS_GUEST = 0.25 * second;
/** One command on a machine: a new SSH session. Estimate. */
export const EXEC_SESSION = 0.35 * second;
/** Bytes per second through the standard input of an exec session. Estimate: SSH on a local bridge. */
export const SESSION_BYTES_PER_SECOND = 80_000_000;

/** First fetch of an Ubuntu image on a good link; "minutes to hours on a bad link" (docs/facts/figures.md 1). */
export const IMAGE_DOWNLOAD = 60 * second;
/** Copying the image and creating the machine. Estimate, part of the launch below. */
export const MACHINE_CREATE = 6 * second;
/** A virtual machine of either engine. */
export const MACHINE_PACE: EnginePace = {
  /** Power on until sshd answers: guest userspace alone 4.2 s, "under 10 s" expected (docs/facts/figures.md 1). */
  boot: 10 * second,
  /** From Running until the engine knows the address; before, it answers `N/A`. Estimate. */
  address: 2 * second,
  /** First cloud-init after sshd answers. With create and boot, a launch takes 13-42 s (docs/facts/figures.md 1). */
  cloudInit: 12 * second,
  /** An orderly shutdown of a machine. Estimate. */
  shutdown: 4 * second,
};
/** All packages that user data installs, together. Estimate. */
export const CLOUD_INIT_PACKAGES = 15 * second;
/** The fault `address-late`. */
export const ADDRESS_LATE = 30 * second;
/** `delete --purge` kills and erases. Estimate. */
export const MACHINE_PURGE = 2 * second;
/** How long the daemon waits for ssh, and again for cloud-init, by default (docs/facts/multipass.md 3.3). */
export const ENGINE_PATIENCE = 300 * second;

/** k3s unpacks about 200 MB at its first call (docs/facts/k3s.md 2.1). Estimate. */
export const K3S_UNPACK = 4 * second;
/**
 * From the start of the unit until CA, token files and k3s.yaml are written; the API is ready later (docs/facts/k3s.md
 * 3). Estimate.
 */
export const K3S_SERVER_FILES = 4 * second;
/** From then until the API server answers and READY=1: a server takes 15-30 s in all (docs/facts/k3s.md 3). */
export const K3S_SERVER_READY = 12 * second;
/** A restarted server has its certificates and database already. Estimate. */
export const K3S_SERVER_RESTART = 8 * second;
/** Start of an agent until READY=1: about 8 s (docs/facts/figures.md 1), unpacking included. */
export const K3S_AGENT_JOIN = 4 * second;
/** Between two tries of an agent to validate its token (docs/facts/k3s.md 2.7). */
export const K3S_AGENT_RETRY = 2 * second;
/** Between two tries when the node password is rejected (docs/facts/k3s.md 2.6). */
export const K3S_PASSWORD_RETRY = 5 * second;
/** How long k3s waits for a missing token file (docs/facts/k3s.md 2.4). */
export const K3S_TOKEN_FILE_WAIT = 240 * second;

/** apt with a local deb and small dependencies on a warm index. Estimate. */
export const PACKAGE_INSTALL = 12 * second;
/** Root's part of the sidecar unit: token, hosts, rules. Estimate. */
export const SIDECAR_PREPARE = 0.5 * second;
/** pilot-agent and Envoy until the first certificate: about 1.2 s (docs/facts/figures.md 1). */
export const SIDECAR_CONNECT = 1.2 * second;
/** Between the first certificate and CDS, LDS and the name table. Estimate. */
export const SIDECAR_CONFIG = 1 * second;
/** Between a change of Istio's objects and its arrival at the proxies: debounce and push. Estimate. */
export const CONFIG_PUSH = 1 * second;
/** How often pilot-agent tries again when istiod does not answer. Estimate. */
export const SIDECAR_RETRY = 1 * second;
/** Drain of Envoy at SIGTERM: terminationDrainDuration (docs/facts/istio-vm.md 5.5). */
export const SIDECAR_DRAIN = 5 * second;
/** Default life of a workload certificate (docs/facts/istio-vm.md 5.8). */
export const CERTIFICATE_LIFE = 24 * 3_600 * second;
/** A small script on a guest. Estimate. */
export const GUEST_SCRIPT = 0.15 * second;
/** Any other command on a guest. Estimate. */
export const GUEST_COMMAND = 0.03 * second;
/** An HTTP request that is answered at once. Estimate. */
export const HTTP_REQUEST = 0.05 * second;

// The cluster, Istio and the tools that speak to them.

/** A kubectl call that the API server answers. Estimate: process start, discovery cache, one request. */
export const KUBECTL_CALL = 0.15 * second;
/** kubectl against an address where nothing listens (refused at once), and one without a host (`--request-timeout`). */
export const KUBECTL_REFUSED = 0.3 * second;
export const KUBECTL_UNREACHABLE = 20 * second;
/** A controller's reaction to a change. Estimate. */
export const CONTROLLER = 0.05 * second;
/**
 * From the join of a node until it is Ready (CNI up). Estimate, part of the "about 45 s after boot" of
 * docs/facts/k3s.md 3.
 */
export const NODE_READY = 4 * second;
/** node-monitor-grace-period: a silent node is NotReady after it (Kubernetes' own default). */
export const NODE_SILENT = 40 * second;
/** How often a kubelet, and the API server for itself, renews its Lease (Kubernetes' own default). */
export const LEASE_RENEWAL = 10 * second;
/** How often a kubelet reports conditions that have not changed (nodeStatusReportFrequency). */
export const STATUS_REPORT = 300 * second;
/** From the API of a restarted server until its own kubelet reports; the previous status is kept until then. */
export const KUBELET_LATE = 3 * second;
/** Until pods of a deleted node are collected: quarantine 40 s, checked every 20 s. */
export const ORPHANED_PODS = 60 * second;
/**
 * Pulls of images per node, first time. Estimates that give 20-22 s for the sample pods (docs/facts/figures.md 1,
 * article).
 */
export const PULL_SMALL = 3 * second;
export const PULL_LARGE = 8 * second;
/** Additional time for each image, with the fault `pulls-slow`. */
export const PULL_SLOW = 30 * second;
/** Until a kubelet retries an image that it could not pull; its back-off goes from 10 s to 5 minutes. */
export const PULL_BACK_OFF = 20 * second;
/** Containers from created to ready. */
export const POD_START = 2 * second;
/** istiod from container start to ready. Estimate; install in all about 30 s (docs/facts/figures.md 1). */
export const ISTIOD_START = 5 * second;
/** Restart of a pod after its node was away. Estimate. */
export const POD_RESTART = 5 * second;
/** Termination of a pod: most programs exit on SIGTERM within this time. Estimate. */
export const POD_STOP = 2 * second;
/** A Service's address once svclb is ready: "seconds" (docs/facts/k3s.md 4.2). */
export const LOAD_BALANCER_STATUS = 1 * second;
export const LOAD_BALANCER_LATE = 60 * second;
/** Finalizers of a namespace with content. Estimate. */
export const NAMESPACE_GOES = 6 * second;
/** istiod writes istio-ca-root-cert "within seconds" (docs/facts/istio-vm.md 4.2); late = the fault of that name. */
export const ROOT_CERT = 2 * second;
export const ROOT_CERT_LATE = 15 * second;
/** CRDs established at the first `istioctl install`. Estimate. */
export const ISTIO_CRDS = 4 * second;
/** Rendering and applying one component. Estimate. */
export const ISTIO_COMPONENT = 1 * second;
/** Other istioctl calls: local, and with a few API reads. Estimates. */
export const ISTIOCTL_LOCAL = 0.1 * second;
export const ISTIOCTL_CALL = 0.6 * second;
/** PILOT_WORKLOAD_ENTRY_GRACE_PERIOD (docs/facts/istio-vm.md 6.1). */
export const ENTRY_GRACE = 10 * second;
/**
 * Until istiod's keepalive notices a VM that was switched off; "about two minutes" with the grace
 * (docs/facts/istio-vm.md 6.1).
 */
export const STREAM_KEEPALIVE = 60 * second;
/** With the fault `answers-late`: the age of an answer when it arrives. */
export const ANSWER_LATE = 5 * second;
/** How long each fault lasts after it first has an effect. */
export const FAULT_LASTS = {
  'api-away': 60 * second,
  'api-slow': 120 * second,
  'answers-late': 120 * second,
  'image-server-down': 20 * second,
  'mirror-down': 5 * second,
  'line-slow': 120 * second,
  'clock-behind': 60 * second,
  // Slightly longer than the unit's own timeout, so that the unit has to restore the machine's DNS once.
  'dns-captured': 75 * second,
  'load-balancer-late': 600 * second,
  'second-up': 30 * second,
  'pulls-slow': 300 * second,
} as const satisfies Partial<Record<FaultName, number>>;
/** With the fault `namespace-stuck`: how long the finalizer holds the namespace. */
export const NAMESPACE_HELD = 60 * second;
/** With the fault `address-gone`: until the daemon knows the address again. */
export const ADDRESS_GONE = 45 * second;
/** Container tool calls: a query, a pull with create, an export. Estimates (image about 100 MB). */
export const CONTAINER_CALL = 0.2 * second;
export const CONTAINER_PULL = 15 * second;
export const CONTAINER_EXPORT = 3 * second;

/** How long the computer sleeps, in the faults that simulate sleep. */
export const LID_CLOSED = 2 * 3_600_000;
