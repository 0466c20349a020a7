import { CliError } from '../errors/cli-error.ts';
import { INCUS_FAULTS } from './engines/incus/faults.ts';
import { MULTIPASS_FAULTS } from './engines/multipass/faults.ts';

/** One failure mode of the simulated world; how it begins is in `fault-setups.ts`. */
interface Fault {
  readonly name: FaultName;
  /** One sentence for the users who choose it. */
  readonly what: string;
  /** Set for a fault that only one engine can have. */
  readonly engine?: string;
}

/** Faults that a lab on any engine can have. */
const COMMON_FAULTS = [
  {
    name: 'gateway-port-conflict',
    what: "Another LoadBalancer Service already holds the east-west gateway's istiod port on every node.",
  },
  {
    name: 'token-expired',
    what: 'The token in the workload files has expired when the sidecar is about to start.',
  },
  {
    name: 'computer-slept',
    what: 'The computer sleeps for two hours at the moment at which the sidecar starts.',
  },
  {
    name: 'slept-during-read',
    what: 'The computer sleeps for two hours while `kubectl` reads nodes that are not Ready yet.',
  },
  {
    name: 'arm64-deb-missing',
    what: 'This is an arm64 computer, and the arm64 sidecar package was never published for this version.',
  },
  { name: 'vm-rebooted', what: 'The workload VM reboots once, right after its sidecar became ready.' },
  {
    name: 'daemon-down',
    what: 'The daemon of the machine engine is not reachable.',
  },
  {
    name: 'daemon-restart',
    what: 'The daemon of the machine engine restarts while the first machines are being launched, and is unavailable for some seconds.',
  },
  { name: 'address-late', what: 'The first machine has no address for half a minute after its launch.' },
  { name: 'cloud-init-error', what: 'The first launch succeeds although cloud-init fails on its machine.' },
  { name: 'download-flaky', what: 'The first download is interrupted in the middle.' },
  { name: 'download-truncated', what: 'The first download ends early, without an error.' },
  { name: 'digest-mismatch', what: 'The first download has other content than what was published.' },
  { name: 'root-cert-late', what: "The mesh's root certificate comes late to new namespaces." },
  { name: 'api-flaky', what: 'The Kubernetes API server refuses connections for a moment, now and then.' },
  // Sources of the rest: docs/facts/multipass.md 3, 5 and 7, docs/facts/k3s.md 4, docs/facts/istio-vm.md 4 and 5 and 6,
  // and the list in docs/facts/figures.md 3.
  {
    name: 'api-away',
    what: 'The Kubernetes API server refuses connections for ten seconds at a time, for a minute.',
  },
  {
    name: 'api-slow',
    what: 'For two minutes each call of the API server takes five seconds.',
  },
  {
    name: 'answers-late',
    what: 'For two minutes every other answer comes five seconds late, and describes the state at the time of the request.',
  },
  {
    name: 'api-conflict',
    what: 'Another client changes an object at the same time: the first apply conflicts.',
  },
  {
    name: 'namespace-stuck',
    what: 'The first namespace that is created is still being deleted, for one minute.',
  },
  { name: 'webhook-failing', what: 'The first apply meets an admission webhook that does not answer.' },
  { name: 'istioctl-timeout', what: 'The first `istioctl install` gives up waiting for istiod, which comes up later.' },
  {
    name: 'image-server-down',
    what: 'For twenty seconds the machine engine cannot reach its image server.',
  },
  {
    name: 'exec-lost',
    what: 'The first session that changes something on a machine breaks off when its command is done.',
  },
  { name: 'second-address', what: 'Every machine has a second address, of a bridge of its own.' },
  { name: 'mirror-down', what: 'For five seconds no download server answers.' },
  {
    name: 'offline',
    what: 'There is no internet: only what is already on this computer or its machines is available.',
    // istio-vms does not provide the machine image; users with an engine and no network already have it.
  },
  {
    name: 'line-slow',
    what: 'For two minutes downloads run at a tenth of their speed.',
  },
  { name: 'host-disk-full', what: 'The first file that is written on this computer meets a full disk.' },
  { name: 'file-forbidden', what: 'The first file that is written on this computer is not permitted.' },
  { name: 'guest-disk-full', what: 'The first files that are placed on a machine meet a full disk.' },
  {
    name: 'clock-behind',
    what: "For a minute the workload VM's clock is days behind, and no certificate is valid yet.",
  },
  {
    name: 'load-balancer-late',
    what: 'Load balancers get their addresses a minute later than usual.',
  },
  {
    name: 'load-balancer-hostname',
    what: "Another load balancer than k3s's own serves the cluster, and gives a host name where an address is needed.",
  },
  {
    name: 'dns-captured',
    what: "The traffic rules capture the workload VM's DNS, and for one minute it is not answered.",
  },
  {
    name: 'pulls-slow',
    what: 'Pulling the images of pods takes half a minute longer.',
  },
  {
    name: 'second-up',
    what: 'Another `istio-vms up` in the same directory holds the lock for half a minute.',
  },
  { name: 'vm-deleted', what: 'The workload VM is deleted as soon as it exists.' },
  { name: 'vm-moved', what: 'The workload VM restarts and comes back with another address.' },
  { name: 'vm-stopped', what: 'The workload VM is stopped by another program.' },
  { name: 'worker-stopped', what: 'A worker is stopped by another program.' },
  { name: 'worker-rebooted', what: 'A worker restarts by itself.' },
  { name: 'master-rebooted', what: 'The master restarts by itself.' },
] as const;

export type FaultName = (typeof COMMON_FAULTS | typeof MULTIPASS_FAULTS | typeof INCUS_FAULTS)[number]['name'];

/** All faults, in the order in which they are shown. */
export const FAULTS: readonly Fault[] = [...COMMON_FAULTS, ...MULTIPASS_FAULTS, ...INCUS_FAULTS];

/** The faults that a rehearsal with this engine can have. */
export function faultsOf(engine: string): readonly Fault[] {
  return FAULTS.filter((fault) => fault.engine === undefined || fault.engine === engine);
}

/** The fault of this name. @throws CliError `usage-error` when there is none, or none with this engine */
export function findFault(name: string, engine: string): Fault {
  const fault = FAULTS.find((candidate) => candidate.name === name);
  const listed = {
    details: faultsOf(engine).map((candidate) => `${candidate.name}: ${candidate.what}`),
    hint: 'Choose one of these.',
  };
  if (fault === undefined)
    throw new CliError('usage-error', { message: `There is no fault named ${name}.`, ...listed });
  if (fault.engine !== undefined && fault.engine !== engine) {
    throw new CliError('usage-error', {
      message: `The fault ${name} applies to MACHINE_ENGINE=${fault.engine} only.`,
      ...listed,
    });
  }
  return fault;
}
