import type { CommandOrigin, KnownIssue } from './known-issue.ts';
import { KUBERNETES_ISSUES } from './kubernetes-issues.ts';

/**
 * Messages of programs with any engine; each engine has its own list in its folder. Order matters: the first match
 * explains the failure, so specific rows come before general ones.
 */
export const KNOWN_ISSUES: readonly KnownIssue[] = [
  ...KUBERNETES_ISSUES,
  {
    id: 'port-conflict',
    pattern: /didn't have free ports|provided port is already allocated|port is already allocated/i,
    reason: 'port-conflict',
    sentence: 'Two Services request the same port of the cluster nodes.',
    hint: 'Change one of the EWG_PORT_* variables, or remove the other LoadBalancer Service (`kubectl get services --all-namespaces`).',
    source: 'docs/facts/k3s.md 4.3, k3s-io/k3s#1969',
  },
  {
    id: 'container-daemon',
    origin: 'container',
    pattern:
      /Cannot connect to the Docker daemon|Cannot connect to Podman|podman machine|Is the docker daemon running/i,
    reason: 'engine-unavailable',
    sentence: 'The container tool does not answer.',
    hint: 'Start Docker, or `podman machine start` on macOS.',
    source: 'messages of the docker and podman clients',
  },
  {
    id: 'container-permission',
    origin: 'container',
    pattern: /permission denied while trying to connect to the Docker daemon/i,
    reason: 'permission-denied',
    sentence: 'This user may not talk to the Docker daemon.',
    hint: 'Join the group docker, or use CONTAINER_TOOL=podman.',
    source: 'message of the docker client',
  },
  {
    id: 'container-platform',
    origin: 'container',
    pattern: /no matching manifest for linux|no image found in (?:image index|manifest list) for architecture/i,
    reason: 'artifact-not-found',
    sentence: 'The proxy image of this Istio version does not exist for the CPU of the VM.',
    hint: 'Choose a newer ISTIO_VERSION.',
    source: 'docs/facts/istio-vm.md 7',
  },
  {
    id: 'container-rate-limit',
    origin: 'container',
    pattern: /toomanyrequests|429 Too Many Requests/i,
    reason: 'download-failed',
    sentence: 'The image registry is rate limiting this computer.',
    hint: 'Log in to the registry, or retry in a few hours.',
    source: 'docs/facts/istio-vm.md 7',
  },
  {
    id: 'k3s-ca-hash',
    origin: 'guest',
    pattern: /token CA hash does not match/i,
    permanent: true,
    reason: 'guest-failed',
    sentence: 'A worker has the join token of an earlier cluster.',
    hint: 'Run `istio-vms k3s` again: it copies the new token.',
    source: 'docs/facts/k3s.md 3',
  },
  {
    id: 'k3s-token',
    origin: 'guest',
    pattern: /Failed to validate connection to cluster at \S+: 401 Unauthorized/i,
    permanent: true,
    reason: 'guest-failed',
    sentence: 'The server does not accept the join token of a worker.',
    hint: 'Run `istio-vms k3s` again: it copies the current token.',
    source: 'docs/facts/k3s.md 3',
  },
  {
    id: 'k3s-node-password',
    origin: 'guest',
    pattern: /Node password rejected/i,
    reason: 'guest-failed',
    sentence: 'The cluster has a node of the same name from another machine, and rejects this one.',
    hint: 'Run `istio-vms k3s` again: it deletes the old node first.',
    source: 'docs/facts/k3s.md 2.6, 3',
  },
  {
    id: 'k3s-flag',
    origin: 'guest',
    pattern: /flag provided but not defined/i,
    permanent: true,
    reason: 'guest-failed',
    sentence: 'k3s does not know a key of its configuration file.',
    hint: 'The K3S_VERSION is too old for it, or the file was changed by hand: `istio-vms k3s --recreate`.',
    source: 'docs/facts/k3s.md 3',
  },
  {
    id: 'k3s-clock',
    origin: 'guest',
    pattern: /certificate has expired or is not yet valid/i,
    reason: 'guest-failed',
    sentence: 'The clock of a machine is wrong, so it accepts no certificate.',
    hint: 'Restart the machine (`RESTART`): it gets the time from this computer.',
    source: 'docs/facts/k3s.md 3, 11',
  },
  {
    id: 'guest-not-ours',
    origin: 'guest',
    pattern: /istio-vms-place: this machine does not belong to the lab/,
    reason: 'foreign-machine',
    sentence:
      'A machine has the name of a machine of this lab, but does not belong to the lab. Nothing was copied to it.',
    hint: 'If you made it yourself, set NODE_PREFIX or WORKLOAD_VM_NAME to other names, or remove it. If istio-vms made it, write LAB_NAME into /etc/istio-vms/lab on it.',
    source: 'data/guest/place.sh',
  },
  {
    id: 'guest-disk',
    origin: 'guest',
    pattern: /no space left (?:on device|for )/i,
    reason: 'disk-full',
    sentence: 'The disk of a machine is full.',
    hint: 'Raise the DISK_* variable of that machine and recreate it.',
    source: 'docs/facts/multipass.md 7 no. 10',
  },
  {
    id: 'guest-apt-lock',
    origin: 'guest',
    pattern: /Could not get lock \/var\/lib\/(?:dpkg|apt)/i,
    reason: 'guest-failed',
    sentence: 'Another package installation is running on the machine.',
    hint: 'Ubuntu updates itself soon after the first boot; wait a few minutes, then re-run the same command.',
    source: 'message of apt; Ubuntu runs apt-daily.service after the first boot',
  },
  {
    id: 'guest-apt',
    origin: 'guest',
    pattern: /^sidecar-install: the package manager could not|^E: (?:Unable to correct problems|Unmet dependencies)/im,
    reason: 'guest-failed',
    sentence: 'The package manager of the machine could not install the sidecar.',
    hint: 'The lines below name what is missing. `sudo apt-get update` on the machine shows whether it reaches its package archive; then re-run the same command.',
    source: 'docs/facts/istio-vm.md 1.4, 5.7',
  },
  {
    id: 'guest-architecture',
    origin: 'guest',
    pattern: /Exec format error|package architecture \(\S+\) does not match system/i,
    permanent: true,
    reason: 'wrong-architecture',
    sentence: 'A program on the machine is built for another CPU.',
    hint: 'Run the step again with --recreate; if ISTIO_ARCH is set, check it.',
    source: 'docs/facts/istio-vm.md 1.3, 7',
  },
  {
    id: 'host-disk',
    pattern: /no space left (?:on device|for )/i,
    reason: 'disk-full',
    sentence: 'The disk of this computer is full.',
    hint: 'Free some space, then re-run the same command.',
    source: 'errno(3) ENOSPC',
  },
];

/**
 * The first known issue that matches this text.
 *
 * @param own issues of the program itself, checked before the shared ones
 */
export function knownIssue(
  text: string,
  origin?: CommandOrigin,
  own: readonly KnownIssue[] = [],
): KnownIssue | undefined {
  return [...own, ...KNOWN_ISSUES].find((issue) => isFrom(issue, origin) && issue.pattern.test(text));
}

function isFrom({ origin: origins }: KnownIssue, origin: CommandOrigin | undefined): boolean {
  if (origins === undefined || origins === origin) return true;
  return typeof origins === 'object' && origin !== undefined && origins.includes(origin);
}
