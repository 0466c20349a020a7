import type { Command } from '../system/system.ts';
import type { KubeTarget } from './kubectl-argv.ts';

/** The istioctl binary and the cluster it works on. */
export interface IstioctlTarget extends KubeTarget {
  readonly file: string;
  /** istiod's namespace. istioctl assumes `istio-system` by default (docs/facts/real-mesh.md 6.4). */
  readonly istioNamespace: string;
}

export interface WorkloadRequest {
  /** Path of a WorkloadGroup in YAML, on this computer. */
  readonly groupFile: string;
  readonly outputDir: string;
  /** Address of the east-west gateway. */
  readonly ingressIp: string;
  /** Address of the VM. */
  readonly internalIp: string;
}

/**
 * How long istioctl waits for each component, one after the other (docs/facts/real-mesh.md 6.14); the command's own
 * time limit covers all of them.
 */
const READINESS = '300s';
const INSTALL_MS = 900_000;
const OTHER_MS = 120_000;
/** Lifetime in seconds of the first token of a VM (docs/facts/istio-vm.md 4.1). */
const TOKEN_S = '3600';

const cluster = ({ kubeconfig, context, istioNamespace }: IstioctlTarget): string[] => [
  ...['--kubeconfig', kubeconfig, '--context', context],
  ...['--istioNamespace', istioNamespace],
];

/** These commands write the same when they run again, so an interrupt may end them at once. */
const WRITE = { effect: 'write', origin: 'istioctl', interruptible: true } as const;

export const versionCommand = ({ file }: IstioctlTarget): Command => ({
  file,
  args: ['version', '--remote=false', '--output=json'],
  effect: 'read',
  origin: 'istioctl',
  timeoutMs: 30_000,
});

/**
 * Files in order: a later one overrides an earlier one (docs/facts/istio-vm.md 2.2). Progress is on stderr
 * (docs/facts/real-mesh.md 6.3).
 */
export const installCommand = (
  target: IstioctlTarget,
  files: readonly string[],
  onStderrLine?: Command['onStderrLine'],
): Command => ({
  file: target.file,
  args: [
    'install',
    ...cluster(target),
    ...files.flatMap((each) => ['--filename', each]),
    '--skip-confirmation',
    '--readiness-timeout',
    READINESS,
  ],
  ...WRITE,
  timeoutMs: INSTALL_MS,
  ...(onStderrLine === undefined ? {} : { onStderrLine }),
});

/**
 * Without `--skip-confirmation` it prompts on stdin, and an empty stdin means no, with exit code 0
 * (docs/facts/real-mesh.md 6.6).
 */
export const setDefaultTagCommand = (target: IstioctlTarget, revision: string): Command => ({
  file: target.file,
  args: ['tag', 'set', 'default', '--revision', revision, '--overwrite', '--skip-confirmation', ...cluster(target)],
  ...WRITE,
  timeoutMs: OTHER_MS,
});

export const configureWorkloadCommand = (
  target: IstioctlTarget,
  request: WorkloadRequest,
  { clusterId, revision }: { readonly clusterId: string; readonly revision: string },
): Command => ({
  file: target.file,
  args: [
    ...['experimental', 'workload', 'entry', 'configure', ...cluster(target)],
    ...['--file', request.groupFile, '--output', request.outputDir, '--clusterID', clusterId],
    ...['--ingressIP', request.ingressIp, '--internalIP', request.internalIp],
    ...['--autoregister', '--revision', revision, '--tokenDuration', TOKEN_S],
  ],
  ...WRITE,
  timeoutMs: OTHER_MS,
});
