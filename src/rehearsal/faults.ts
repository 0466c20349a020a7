import { CliError } from '../errors/cli-error.ts';
import type { Host } from '../system/doors.ts';
import { restartDaemon } from './host/multipass/daemon.ts';
import type { World } from './world.ts';

/** One way in which the simulated world misbehaves. */
export interface Fault {
  readonly name: string;
  /** One sentence for people who choose it. */
  readonly what: string;
  /** Changes the computer before the world is made. */
  readonly host?: (host: Host) => Host;
  /** Changes the fresh world; programs look at `world.faults` for the rest. */
  readonly apply?: (world: World) => void;
}

/** When the daemon restarts, and how long it is away: while the first machines are on their way. */
const DAEMON_RESTARTS_AFTER = 20_000;
const DAEMON_AWAY = 8_000;

/** All faults, in the order in which they are shown. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'launch-timeout-lies',
    what: 'The first `multipass launch` says that it timed out, although its machine comes up.',
  },
  {
    name: 'gateway-port-clash',
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
    name: 'arm64-deb-missing',
    what: 'This is an arm64 computer, and the arm64 sidecar package was never published for this version.',
    host: (host) => ({ ...host, cpu: 'arm64' }),
  },
  { name: 'frozen-session', what: 'The session that starts the sidecar freezes when the traffic rules load.' },
  { name: 'vm-rebooted', what: 'The workload VM reboots once, right after its sidecar became ready.' },
  {
    name: 'daemon-down',
    what: 'The Multipass daemon is not reachable.',
    apply: (world) => void (world.engine.daemonUp = false),
  },
  {
    name: 'daemon-restart',
    what: 'The Multipass daemon restarts while the first machines are being launched, and is away for some seconds.',
    apply: (world) => world.clock.after(DAEMON_RESTARTS_AFTER, () => restartDaemon(world, DAEMON_AWAY)),
  },
  { name: 'address-late', what: 'The first machine has no address for half a minute after its launch.' },
  { name: 'cloud-init-error', what: 'On the first machine cloud-init fails, and its launch says nothing of it.' },
  { name: 'download-flaky', what: 'The first download breaks off in the middle.' },
  { name: 'download-truncated', what: 'The first download ends before all of it has come.' },
  { name: 'digest-mismatch', what: 'The first download brings something else than what was published.' },
  { name: 'root-cert-late', what: "The mesh's root certificate comes late to new namespaces." },
  { name: 'api-flaky', what: 'The Kubernetes API server refuses connections for a moment, now and then.' },
];

/** The fault of this name. @throws CliError `wrong-usage` that lists all when there is none */
export function findFault(name: string): Fault {
  const fault = FAULTS.find((candidate) => candidate.name === name);
  if (fault === undefined) {
    throw new CliError('wrong-usage', {
      message: `There is no fault named ${name}.`,
      details: FAULTS.map((candidate) => `${candidate.name}: ${candidate.what}`),
      hint: 'Choose one of these.',
    });
  }
  return fault;
}

/** Whether this one-shot fault strikes now; it never does again. */
export function strike(world: World, name: string): boolean {
  return world.faults.delete(name);
}
