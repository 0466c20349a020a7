import type { Command } from '../system/doors.ts';
import type { KubeTarget } from './kubectl-argv.ts';

/** Where istioctl is, and which cluster it speaks to. */
export interface IstioctlTarget extends KubeTarget {
  readonly file: string;
}

export interface WorkloadRequest {
  /** A WorkloadGroup as YAML, on this computer. */
  readonly groupFile: string;
  readonly outputDir: string;
  /** Address of the east-west gateway. */
  readonly ingressIp: string;
  /** Address of the VM. */
  readonly internalIp: string;
}

/** What istioctl waits for in all; ours is longer, for it first waits for one component, then for the next. */
const READINESS = '300s';
const INSTALL_MS = 900_000;
const OTHER_MS = 120_000;
/** Seconds that the first token of a VM is good for (facts/istio-vm.md 4.1). */
const TOKEN_S = '3600';

const cluster = ({ kubeconfig, context }: KubeTarget): string[] => ['--kubeconfig', kubeconfig, '--context', context];

export const versionCommand = ({ file }: IstioctlTarget): Command => ({
  file,
  args: ['version', '--remote=false', '--output=json'],
  effect: 'read',
  timeoutMs: 30_000,
});

/** Files in their order: a later one overrides an earlier one (facts/istio-vm.md 2.2). */
export const installCommand = (target: IstioctlTarget, files: readonly string[]): Command => ({
  file: target.file,
  args: [
    'install',
    ...cluster(target),
    ...files.flatMap((each) => ['--filename', each]),
    '--skip-confirmation',
    '--readiness-timeout',
    READINESS,
  ],
  effect: 'write',
  timeoutMs: INSTALL_MS,
});

export const setDefaultTagCommand = (target: IstioctlTarget, revision: string): Command => ({
  file: target.file,
  args: ['tag', 'set', 'default', '--revision', revision, '--overwrite', ...cluster(target)],
  effect: 'write',
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
  effect: 'write',
  timeoutMs: OTHER_MS,
});
