import type { Instance } from '../world.ts';
import { unitCommand } from '../mesh/environment.ts';

const DEMO = 'istio-vms-demo';

/** An application of the user that listens on a port of a machine. */
export interface OwnApplication {
  readonly program: string;
  readonly pid: number;
  /** Its systemd unit; default: the unit with the program's name. */
  readonly unit?: string;
}

const applications = new WeakMap<Instance, Map<number, OwnApplication>>();

/** Starts the user's own application on this port; undefined stops it. */
export function listenOn(instance: Instance, port: number, application: OwnApplication | undefined): void {
  const known = applications.get(instance) ?? new Map<number, OwnApplication>();
  applications.set(instance, known);
  if (application === undefined) known.delete(port);
  else known.set(port, application);
}

/** The user's own application on this port. */
export function ownApplication(instance: Instance, port: number): OwnApplication | undefined {
  return applications.get(instance)?.get(port);
}

/** Whether the demo workload listens on this port now. */
export function demoServes(instance: Instance, port: number): boolean {
  return instance.units.get(DEMO)?.active === 'active' && unitCommand(instance, DEMO).includes(String(port));
}

/** The port of the demo workload that is installed. */
export function demoPort(instance: Instance): number | undefined {
  const port = Number(unitCommand(instance, DEMO).at(-1));
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** The listener on a port, as `state.sh` prints it: PID, unit, address, program; `-` when there is none. */
export function listenerLine(instance: Instance, port: number): string {
  const own = ownApplication(instance, port);
  if (own !== undefined) return `${own.pid} ${own.unit ?? own.program}.service 0.0.0.0:${port} ${own.program}`;
  return demoServes(instance, port) ? `812 ${DEMO}.service 0.0.0.0:${port} python3` : '-';
}
