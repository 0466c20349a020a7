import { createHash } from 'node:crypto';
import type { Pod } from '../cluster/shapes.ts';

/** Returns a number from 0 up to 1, excluding 1; the n-th call of a stream always returns the same. */
export type Random = () => number;

/** A deterministic stream of random numbers, so that a rehearsal can be repeated. */
export function randomStream(seed: number | string): Random {
  let calls = 0;
  return () => {
    const digest = createHash('sha256').update(`${seed} ${calls++}`).digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  };
}

export const pickOne = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** The path of a connection: from the Envoy of a machine, through one address of the gateway, to a Service. */
export interface Route {
  readonly machine: string;
  readonly gateway: string;
  readonly service: string;
}

interface Held {
  readonly route: Route;
  readonly pod: string;
  /** The gateway's pod that forwards it. */
  readonly through: string;
}

/**
 * Connections that the Envoys of workload VMs hold through a gateway. Envoy keeps one HTTP/1.1 connection per gateway
 * address for its next requests, and the gateway, which passes TLS through, chooses a pod only when a connection is
 * opened: so a connection stays with its pod (docs/facts/real-mesh.md 6.10).
 */
export interface Connections {
  /** The pod that answers the next request on this route; the connection is closed after it unless it is kept. */
  request(route: Route, pods: readonly Pod[], gatewayPods: readonly Pod[], keep: boolean): Pod;
  /** A machine's Envoy has ended. */
  closeOf(machine: string): void;
}

/** Creates an empty record of connections. */
export function createConnections(random: Random): Connections {
  const held = new Map<string, Held>();
  const names = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata.name);

  return {
    request: (route, pods, gatewayPods, keep) => {
      const key = `${route.machine} ${route.gateway} ${route.service}`;
      const known = held.get(key);
      const alive =
        known !== undefined && names(pods).includes(known.pod) && names(gatewayPods).includes(known.through);
      if (keep && alive) return pods.find(({ metadata }) => metadata.name === known.pod) as Pod;
      held.delete(key);
      // Istio's default, LEAST_REQUEST: of two random pods the one with fewer connections, which may be the same twice.
      const open = (pod: Pod): number => [...held.values()].filter((each) => each.pod === pod.metadata.name).length;
      const [one, other] = [pickOne(random, pods), pickOne(random, pods)];
      const chosen = open(other) < open(one) ? other : one;
      const through = pickOne(random, gatewayPods).metadata.name;
      if (keep) held.set(key, { route, pod: chosen.metadata.name, through });
      return chosen;
    },
    closeOf: (machine) => {
      for (const [key, { route }] of held) if (route.machine === machine) held.delete(key);
    },
  };
}
