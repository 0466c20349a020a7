import { clusterOf, type SimulatedCluster } from '../cluster/kube.ts';
import { SIDECAR_CONFIG } from '../durations.ts';
import type { Instance, World } from '../world.ts';
import { agentSettings } from './agent.ts';
import { obstacle, pathProblem } from './control-plane.ts';
import type { Refusal } from './identity.ts';
import { probe, probeMessage, type HealthView } from './health.ts';
import { register, reportHealth, unregister, type Connection } from './registration.ts';

/** One run of pilot-agent on a machine. */
interface Agent {
  readonly instance: Instance;
  connection: Connection | undefined;
  /** Envoy's last source of configuration; Envoy keeps that configuration when istiod goes away. */
  last: Connection | undefined;
  /** World time from which Envoy has its configuration. */
  configuredAt: number | undefined;
  readonly health: HealthView;
}

/** All agents of a world, and their streams. They are updated when they are read. */
export interface Agents {
  started(instance: Instance): void;
  stopped(instance: Instance): void;
  /** Connects an agent that is not connected; returns the reason when that fails. */
  connect(instance: Instance): Refusal | undefined;
  /** The connection that configured a machine's Envoy; undefined before. */
  configured(instance: Instance): Connection | undefined;
  settle(): void;
}

/** Creates an empty record of agents. */
export function createAgents(world: World): Agents {
  const agents = new Map<string, Agent>();
  const known = new WeakSet<SimulatedCluster>();
  let settled = '';

  const cluster = (): SimulatedCluster | undefined => {
    const found = clusterOf(world);
    if (found !== undefined && !known.has(found)) {
      known.add(found);
      found.beforeRead(settle);
    }
    return found;
  };

  const connect = (instance: Instance): Refusal | undefined => {
    const agent = agents.get(instance.name);
    const present = cluster();
    if (agent?.connection !== undefined && agent.connection.cluster === present) return undefined;
    const settings = agentSettings(instance);
    const refusal = obstacle(world, present, instance, settings);
    if (refusal !== undefined || present === undefined || agent === undefined) return refusal;
    const group =
      settings.group === undefined
        ? undefined
        : present.store.get('workloadgroups.networking.istio.io', settings.namespace, settings.group);
    const revision = /^istiod-([^.]+)\./.exec(settings.discoveryAddress)?.[1] ?? 'default';
    agent.connection = { cluster: present, settings, since: world.clock.now(), revision, group };
    agent.last = agent.connection;
    agent.configuredAt ??= world.clock.now() + SIDECAR_CONFIG;
    agent.health.healthy = undefined;
    register(agent.connection);
    look(agent, agent.connection);
    return undefined;
  };

  /** Evaluates the probe, and reports to istiod when its result has changed. */
  const look = ({ instance, health }: Agent, connection: Connection): void => {
    const settings = connection.settings.probe;
    if (settings === undefined) return;
    const flipped = probe(health, settings, instance, connection.since, world.clock.now());
    if (flipped !== undefined) reportHealth(connection, health.healthy === true, probeMessage(settings), flipped);
  };

  /** Ends streams whose path is broken, restores those whose path works again, and evaluates the probes. */
  const settle = (): void => {
    const now = world.clock.now();
    const moment = `${now} ${[...agents.values()].map(({ instance }) => `${instance.state} ${instance.units.get('istio-vms-demo')?.active ?? ''}`).join()}`;
    if (moment === settled) return;
    settled = moment;
    for (const agent of agents.values()) {
      const { instance, connection } = agent;
      if (instance.state !== 'Running') continue;
      if (connection === undefined) {
        if (agent.configuredAt !== undefined) connect(instance);
      } else if (
        connection.cluster !== cluster() ||
        pathProblem(world, connection.cluster, instance, connection.settings.discoveryAddress) !== undefined
      ) {
        unregister(world, connection, instance);
        agent.connection = undefined;
        connect(instance);
      } else look(agent, connection);
    }
  };

  return {
    connect,
    settle,
    started: (instance) => {
      cluster();
      agents.set(instance.name, {
        instance,
        connection: undefined,
        last: undefined,
        configuredAt: undefined,
        health: { healthy: undefined, noticed: undefined },
      });
    },
    stopped: (instance) => {
      const connection = agents.get(instance.name)?.connection;
      agents.delete(instance.name);
      if (connection !== undefined) unregister(world, connection, instance);
    },
    configured: (instance) => {
      const agent = agents.get(instance.name);
      if (agent?.configuredAt === undefined || world.clock.now() < agent.configuredAt) return undefined;
      return agent.last;
    },
  };
}
