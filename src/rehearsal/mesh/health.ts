import type { Instance } from '../world.ts';
import type { HttpProbe } from './agent.ts';
import { demoServes, ownApplication } from '../guest/listeners.ts';

const DEMO = 'istio-vms-demo';

/** Whether the demo workload, or an application of the user in its place, listens on this port of the machine now. */
export function demoListens(instance: Instance, port: number): boolean {
  return ownApplication(instance, port) !== undefined || demoServes(instance, port);
}

/** The state of the agent's probe; kept between evaluations, because the simulation evaluates it only at intervals. */
export interface HealthView {
  healthy: boolean | undefined;
  /** When an evaluation first differed from the known state, for a unit without a time of change. */
  noticed: number | undefined;
}

/**
 * Updates the view to `now`: the first result at once, later ones at the next probe after the change and after the
 * threshold. Returns the time of the flip, if there was one.
 */
export function probe(
  view: HealthView,
  settings: HttpProbe,
  instance: Instance,
  connected: number,
  now: number,
): number | undefined {
  const up = demoListens(instance, settings.port);
  if (view.healthy === undefined) {
    view.healthy = up;
    return connected;
  }
  if (view.healthy === up) {
    view.noticed = undefined;
    return undefined;
  }
  const changed = instance.units.get(DEMO)?.changed;
  view.noticed ??= changed !== undefined && changed >= connected ? changed : now;
  const ticks = Math.floor((view.noticed - connected) / settings.periodMs) + 1;
  const due = connected + (ticks + (up ? settings.successes : settings.failures) - 1) * settings.periodMs;
  if (now < due) return undefined;
  view.healthy = up;
  view.noticed = undefined;
  return due;
}

/** The agent's message about a failed probe. */
export function probeMessage(settings: HttpProbe): string {
  return `Get "http://${settings.host}:${settings.port}${settings.path}": dial tcp 127.0.0.6:0->${settings.host}:${settings.port}: connect: connection refused`;
}
