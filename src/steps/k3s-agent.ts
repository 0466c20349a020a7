import type { Context } from '../system/system.ts';
import { agentDigest, agentFiles, SERVER_AGENT_TOKEN } from '../guest/k3s.ts';
import { stateCommand, parseGuestState } from '../guest/state.ts';
import { CliError } from '../errors/cli-error.ts';
import type { Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import {
  findObject,
  nodeAddress,
  requireClusterSnapshot,
  clusterSnapshot,
  type ClusterSnapshot,
} from './cluster-snapshot.ts';
import { readSecret } from './k3s-files.ts';
import { journalCommand } from './journal.ts';
import { waitForNode } from './k3s-nodes.ts';
import { imagesOf, k3sBinary, placeK3s } from './k3s-files.ts';
import { authorityOf } from '../kube/kubeconfig.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { heartbeatOf, nodeIsReady, nodeState } from './node-health.ts';

/** k3s on a worker, joined to the cluster of the first machine. */
export function agentStep(lab: Lab, name: string, number: number): LabStep {
  const { config } = lab;
  return {
    id: `k3s-agent-${number}`,
    title: `k3s worker ${name}`,
    needs: [`worker-${number}`, 'k3s-server', ...imagesOf(lab, `worker-${number}`)],
    command: 'k3s',
    tools: ['machines', 'kubectl'],
    expectMs: 15_000,

    async check(context) {
      const view = await clusterSnapshot(lab, context);
      const node = findObject(view, 'Node', name);
      if (node === undefined) return { missing: view.unreachable ?? `no node ${name}` };
      const address = (await lab.machines.find(name, context))?.addresses[0];
      if (address !== undefined && nodeAddress(node) !== address) {
        return {
          drifted: `node ${name} is registered at ${nodeAddress(node) ?? 'no address'}, the machine is at ${address}`,
        };
      }
      const serverAddress = (await lab.machines.find(config.k3s.master, context))?.addresses[0];
      if (address !== undefined && serverAddress !== undefined) {
        const wanted = await configDigest(lab, address, serverAddress);
        if (node.metadata.annotations?.[CONFIG_ANNOTATION] !== wanted)
          return { drifted: `${name} joined with another server address or configuration` };
      }
      const state = nodeState(view, name, { version: config.k3s.version });
      return state === 'ready' ? 'ready' : { drifted: `${name} is not Ready with ${config.k3s.version}: ${state}` };
    },

    async apply(context) {
      const machine = lab.engine.machine(name);
      const server = lab.engine.machine(config.k3s.master);
      const [address, cpu, serverAddress] = await Promise.all([
        machine.address(context),
        machine.arch(context),
        server.address(context),
      ]);
      const binary = await k3sBinary(lab, cpu, context);
      const token = await agentToken(lab, server, context);
      const view = await forgetFormerNode(lab, machine, name, context);
      const before = heartbeatOf(findObject(view, 'Node', name));
      context.say('joining the cluster');
      const payload = agentFiles(config, { shipped: lab.shipped, binary, address, serverAddress, agentToken: token });
      const restarted = await placeK3s(machine, payload, context);
      const wanted = { version: config.k3s.version, address, notHeartbeat: restarted ? before : undefined };
      await waitForNode(lab, context, {
        machine,
        unit: 'k3s-agent',
        state: (seen) => nodeState(seen, name, wanted),
        enough: ['ready'],
      });
      const annotations = { [CONFIG_ANNOTATION]: await configDigest(lab, address, serverAddress) };
      await lab.kubectl.apply([{ apiVersion: 'v1', kind: 'Node', metadata: { name, annotations } }], context);
    },
  };
}

/**
 * Annotation of a Node: digest of its agent's configuration. A node may be Ready although its agent is configured with
 * the wrong server.
 */
const CONFIG_ANNOTATION = 'istio-vms/agent-config';

async function configDigest(lab: Lab, address: string, serverAddress: string): Promise<string> {
  const kubeconfig = (await lab.system.files.readText(lab.config.paths.kubeconfig)) ?? '';
  return agentDigest({ shipped: lab.shipped, address, serverAddress }, authorityOf(kubeconfig) ?? '');
}

/** The agents' join token in its secure form, which also authenticates the server (docs/facts/k3s.md 2.5). */
async function agentToken(lab: Lab, server: Machine, context: Context): Promise<string> {
  const token = (await readSecret(server, SERVER_AGENT_TOKEN, context)).trim();
  if (!token.startsWith('K10')) {
    throw new CliError('guest-failed', {
      message: `The agent token on ${server.name} is not in its secure form.`,
      hint: 'Recreate the cluster with `istio-vms k3s --recreate`.',
    });
  }
  lab.mask.add(token);
  return token;
}

/** A new machine with an old node's name is rejected until that node is deleted (docs/facts/k3s.md 2.6). */
async function forgetFormerNode(
  lab: Lab,
  machine: Machine,
  name: string,
  context: StepContext,
): Promise<ClusterSnapshot> {
  // Waits while the cluster is temporarily unavailable, because its nodes must be known here.
  const view = await requireClusterSnapshot(lab, context);
  if (findObject(view, 'Node', name) === undefined) return view;
  const password = '/etc/rancher/node/password';
  const state = parseGuestState((await machine.run(stateCommand(lab.shipped, [password]), context)).stdout);
  if (state.files.has(password) && (nodeIsReady(view, name) || !(await isRejected(machine, context)))) return view;
  context.say(`forgetting the former node ${name}`);
  await lab.kubectl.remove('node', name, undefined, context);
  return { objects: view.objects.filter(({ kind, metadata }) => kind !== 'Node' || metadata.name !== name) };
}

/** Whether the agent logs repeatedly that it was rejected: it tried to join before the former node was deleted. */
async function isRejected(machine: Machine, context: Context): Promise<boolean> {
  const { stdout } = await machine.run(journalCommand('k3s-agent', 5), context);
  return /Node password rejected/i.test(stdout);
}
