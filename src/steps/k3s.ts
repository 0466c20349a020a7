import { parse, stringify } from 'yaml';
import { agentFiles, K3S_KUBECONFIG, SERVER_AGENT_TOKEN, serverFiles } from '../guest/k3s.ts';
import { stateCommand, parseGuestState } from '../guest/state.ts';
import { k3sArtifact } from '../artifacts/artifacts.ts';
import { CliError } from '../errors/cli-error.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import type { Step, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import { nodeAddress, nodeIsReady, findObject, rolloutState, viewCluster } from './cluster.ts';
import { onMachine } from './console.ts';
import { obtainArtifact } from './downloads.ts';
import type { Lab } from './lab.ts';
import { imagesStepOf } from './node-images.ts';

/** Deadlines with room over the figures of facts/k3s.md section 3. */
const SERVER_READY_MS = 300_000;
const NODE_READY_MS = 240_000;
const COREDNS_MS = 300_000;

const PUT_MS = 300_000;

export function k3sSteps(lab: Lab): readonly Step[] {
  return [
    serverStep(lab),
    ...lab.config.k3s.workerNames.map((name, index) => agentStep(lab, name, index + 1)),
    nodesStep(lab),
  ];
}

/** k3s on the first machine, and the kubeconfig that reaches it. */
function serverStep(lab: Lab): Step {
  const { config, doors } = lab;
  const name = config.k3s.master;
  return {
    id: 'k3s-server',
    title: 'k3s control plane',
    needs: ['master', 'k3s-binary', ...imagesOf(lab, 'master')],
    madeBy: 'istio-vms k3s',
    expectMs: 30_000,

    async check() {
      const found = await lab.machines.find(name);
      const text = await doors.files.readText(config.paths.kubeconfig);
      if (text === undefined) return { missing: `no kubeconfig at ${config.paths.kubeconfig}` };
      const { mode = 0 } = (await doors.files.stat(config.paths.kubeconfig)) ?? {};
      if ((mode & 0o077) !== 0) return { drifted: `the kubeconfig ${config.paths.kubeconfig} is readable for others` };
      const address = found?.addresses[0];
      if (address !== undefined && serverOf(text) !== `https://${address}:6443`) {
        return { drifted: `the kubeconfig names ${serverOf(text) ?? 'no server'}, the machine is at ${address}` };
      }
      const view = await viewCluster(lab);
      if (view.unreachable !== undefined) return { missing: view.unreachable };
      if (!nodeIsReady(view, name, config.k3s.version))
        return { drifted: `${name} is not Ready with ${config.k3s.version}` };
      return 'ready';
    },

    async apply(context) {
      const machine = lab.engine.machine(name);
      const [address, cpu] = await Promise.all([machine.address(), machine.arch()]);
      const binary = { file: await obtainArtifact(lab, k3sArtifact(config, cpu), context) };
      context.say('installing k3s');
      const payload = serverFiles(config, { shipped: lab.shipped, binary, address });
      await machine.put(payload.files, payload.script, { timeoutMs: PUT_MS, signal: context.signal, say: context.say });
      await waitForApi(lab, machine, context);
      context.say('fetching the kubeconfig');
      const kubeconfig = await machine.run({
        ...asRoot({ file: 'cat', args: [K3S_KUBECONFIG], effect: 'read' }),
        secretOutput: true,
        timeoutMs: 30_000,
      });
      await doors.files.write(
        config.paths.kubeconfig,
        rewriteKubeconfig(kubeconfig.stdout, address, config.context),
        0o600,
      );
      lab.kubectl.forget();
      await waitForNode(lab, name, context);
    },

    async remove() {
      if ((await doors.files.stat(config.paths.kubeconfig)) === undefined) return 'absent';
      // The machine takes k3s with it; what is left here is the key to a cluster that is gone.
      await doors.files.remove(config.paths.kubeconfig);
      lab.kubectl.forget();
      return 'removed';
    },
  };
}

function agentStep(lab: Lab, name: string, number: number): Step {
  const { config } = lab;
  return {
    id: `k3s-agent-${number}`,
    title: `k3s worker ${name}`,
    needs: [`worker-${number}`, 'k3s-server', ...imagesOf(lab, `worker-${number}`)],
    madeBy: 'istio-vms k3s',
    expectMs: 15_000,

    async check() {
      const view = await viewCluster(lab);
      const node = findObject(view, 'Node', name);
      if (node === undefined) return { missing: view.unreachable ?? `no node ${name}` };
      const address = (await lab.machines.find(name))?.addresses[0];
      if (address !== undefined && nodeAddress(node) !== address) {
        return {
          drifted: `node ${name} is registered at ${nodeAddress(node) ?? 'no address'}, the machine is at ${address}`,
        };
      }
      return nodeIsReady(view, name, config.k3s.version)
        ? 'ready'
        : { drifted: `${name} is not Ready with ${config.k3s.version}` };
    },

    async apply(context) {
      const machine = lab.engine.machine(name);
      const server = lab.engine.machine(config.k3s.master);
      const [address, cpu, serverAddress] = await Promise.all([machine.address(), machine.arch(), server.address()]);
      const binary = { file: await obtainArtifact(lab, k3sArtifact(config, cpu), context) };
      const token = await agentToken(lab, server);
      await forgetFormerNode(lab, machine, name, context);
      context.say('joining the cluster');
      const payload = agentFiles(config, { shipped: lab.shipped, binary, address, serverAddress, agentToken: token });
      await machine.put(payload.files, payload.script, { timeoutMs: PUT_MS, signal: context.signal, say: context.say });
      await waitForNode(lab, name, context);
    },
  };
}

/** All nodes Ready and cluster DNS up: what the rest may build on. */
function nodesStep(lab: Lab): Step {
  const { config } = lab;
  const names = [config.k3s.master, ...config.k3s.workerNames];
  const look = async (): Promise<string> => {
    const view = await viewCluster(lab);
    if (view.unreachable !== undefined) return view.unreachable;
    const late = names.filter((name) => !nodeIsReady(view, name));
    if (late.length > 0) return `not Ready: ${late.join(', ')}`;
    const dns = rolloutState(findObject(view, 'Deployment', 'coredns', 'kube-system'));
    return dns === 'available' ? 'ready' : `coredns: ${dns}`;
  };
  return {
    id: 'nodes',
    title: `all ${names.length} nodes Ready`,
    needs: ['k3s-server', ...config.k3s.workerNames.map((_, index) => `k3s-agent-${index + 1}`)],
    madeBy: 'istio-vms k3s',
    expectMs: 5_000,
    async check() {
      const state = await look();
      return state === 'ready' ? 'ready' : { missing: state };
    },
    async apply(context) {
      await waitUntil({
        clock: lab.doors.clock,
        signal: context.signal,
        say: context.say,
        what: 'all nodes and cluster DNS',
        deadlineMs: COREDNS_MS,
        intervalMs: 2_000,
        hint: `Look at \`kubectl --kubeconfig ${config.paths.kubeconfig} -n kube-system get pods\`: the first start pulls images.`,
        probe: async () => {
          lab.kubectl.forget();
          const state = await look();
          return state === 'ready' ? { done: true } : { notYet: state };
        },
      });
    },
  };
}

/** Images have to be there before k3s starts. */
function imagesOf(lab: Lab, machineStep: string): readonly string[] {
  return lab.bundle === undefined ? [] : [imagesStepOf(machineStep)];
}

async function waitForApi(lab: Lab, machine: Machine, context: StepContext): Promise<void> {
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: 'the Kubernetes API',
    deadlineMs: SERVER_READY_MS,
    intervalMs: 2_000,
    hint: `Look at the journal: \`${onMachine(lab, machine.name, 'sudo journalctl --unit k3s --lines 40')}\`. A server wants about 1.5 GB of memory (MEM_MASTER).`,
    probe: async () => {
      const ready = asRoot({
        file: 'k3s',
        args: ['kubectl', 'get', '--raw=/readyz', '--request-timeout=5s'],
        effect: 'read',
        timeoutMs: 20_000,
      });
      return runs(machine, ready).then((ok) =>
        ok ? { done: true } : { notYet: 'the API server does not answer yet' },
      );
    },
  });
}

async function waitForNode(lab: Lab, name: string, context: StepContext): Promise<void> {
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `node ${name}`,
    deadlineMs: NODE_READY_MS,
    intervalMs: 2_000,
    hint: `Look at the journal: \`${onMachine(lab, name, 'sudo journalctl --lines 40')}\`.`,
    probe: async () => {
      const nodes = await lab.kubectl.get('nodes', {}, context.say);
      if (nodeIsReady({ objects: nodes }, name, lab.config.k3s.version)) return { done: true };
      return { notYet: nodes.some((node) => node.metadata.name === name) ? 'not Ready yet' : 'not registered yet' };
    },
  });
  lab.kubectl.forget();
}

/** The agents' join token in its secure form, which also proves the server (facts/k3s.md 2.5). */
async function agentToken(lab: Lab, server: Machine): Promise<string> {
  const read = await server.run({
    ...asRoot({ file: 'cat', args: [SERVER_AGENT_TOKEN], effect: 'read' }),
    secretOutput: true,
    timeoutMs: 30_000,
  });
  const token = read.stdout.trim();
  if (!token.startsWith('K10')) {
    throw new CliError('guest-failed', {
      message: `The agent token on ${server.name} is not in its secure form.`,
      hint: 'Make the cluster anew with `istio-vms k3s --recreate`.',
    });
  }
  lab.mask.add(token);
  return token;
}

/** A new machine under an old node's name is turned away until that node is deleted (facts/k3s.md 2.6). */
async function forgetFormerNode(lab: Lab, machine: Machine, name: string, context: StepContext): Promise<void> {
  const view = await viewCluster(lab);
  if (findObject(view, 'Node', name) === undefined) return;
  const password = '/etc/rancher/node/password';
  const state = parseGuestState((await machine.run(stateCommand(lab.shipped, [password]))).stdout);
  if (state.files.has(password)) return;
  context.say(`forgetting the former node ${name}`);
  await lab.kubectl.remove('node', name);
}

/** The k3s kubeconfig for use from this computer: the machine's address, our own context name, nothing else. */
export function rewriteKubeconfig(text: string, address: string, context: string): string {
  const source = parse(text) as {
    clusters: { cluster: Record<string, unknown> }[];
    users: { user: Record<string, unknown> }[];
  };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: context, cluster: { ...source.clusters[0]?.cluster, server: `https://${address}:6443` } }],
    users: [{ name: context, user: source.users[0]?.user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    'current-context': context,
  });
}

function serverOf(kubeconfig: string): string | undefined {
  const parsed = parse(kubeconfig) as { clusters?: { cluster?: { server?: string } }[] } | null;
  return parsed?.clusters?.[0]?.cluster?.server;
}

/** Whether a read command ends with 0; trouble with the machine itself counts as «no» too. */
async function runs(machine: Machine, command: Parameters<Machine['run']>[0]): Promise<boolean> {
  try {
    await machine.run(command);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.failure !== 'not-found') return false;
    throw error;
  }
}
