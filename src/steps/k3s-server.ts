import type { Context } from '../system/system.ts';
import { K3S_KUBECONFIG, serverFiles, serverUrl } from '../guest/k3s.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import { findObject, clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import { readSecret } from './k3s-files.ts';
import { startProbe, waitForNode } from './k3s-nodes.ts';
import { imagesOf, k3sBinary, placeK3s } from './k3s-files.ts';
import { rewriteKubeconfig, serverOf } from '../kube/kubeconfig.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { heartbeatOf, nodeState, registration, type WantedNode } from './node-health.ts';

/** A deadline with a margin over the figures of docs/facts/k3s.md 3. */
const SERVER_READY_MS = 300_000;

/** k3s on the first machine, and the kubeconfig for it. */
export function serverStep(lab: Lab): LabStep {
  const { config, system } = lab;
  const name = config.k3s.master;
  return {
    id: 'k3s-server',
    title: 'k3s control plane',
    needs: ['master', 'k3s-binary', ...imagesOf(lab, 'master')],
    command: 'k3s',
    tools: ['machines', 'kubectl'],
    expectMs: 30_000,

    async check(context) {
      const found = await lab.machines.find(name, context);
      const text = await system.files.readText(config.paths.kubeconfig);
      if (text === undefined) return { missing: `no kubeconfig at ${config.paths.kubeconfig}` };
      const { mode = 0 } = (await system.files.stat(config.paths.kubeconfig)) ?? {};
      if ((mode & 0o077) !== 0) return { drifted: `the kubeconfig ${config.paths.kubeconfig} is readable by others` };
      const address = found?.addresses[0];
      if (address !== undefined && serverOf(text) !== serverUrl(address)) {
        return { drifted: `the kubeconfig names ${serverOf(text) ?? 'no server'}, the machine is at ${address}` };
      }
      const view = await clusterSnapshot(lab, context);
      if (view.unreachable !== undefined) return { missing: view.unreachable };
      const state = serverState(view, name, { version: config.k3s.version, address });
      return ENOUGH.includes(state) ? 'ready' : { drifted: `${name}: ${state}` };
    },

    async apply(context) {
      const machine = lab.engine.machine(name);
      const [address, cpu] = await Promise.all([machine.address(context), machine.arch(context)]);
      const binary = await k3sBinary(lab, cpu, context);
      context.say('installing k3s');
      const before = heartbeatOf(findObject(await clusterSnapshot(lab, context), 'Node', name));
      const payload = serverFiles(config, { shipped: lab.shipped, binary, address });
      const restarted = await placeK3s(machine, payload, context);
      await waitForApi(lab, machine, context);
      context.say('fetching the kubeconfig');
      const kubeconfig = rewriteKubeconfig(
        await readSecret(machine, K3S_KUBECONFIG, context),
        serverUrl(address),
        config.context,
      );
      await system.files.write(config.paths.kubeconfig, kubeconfig, 0o600);
      lab.kubectl.expectFewKinds();
      const wanted = {
        version: config.k3s.version,
        address,
        notHeartbeat: restarted ? before : undefined,
      };
      await waitForNode(lab, context, {
        machine,
        unit: 'k3s',
        state: (view) => serverState(view, name, wanted),
        enough: ENOUGH,
      });
    },

    async remove() {
      const found = await system.files.stat(config.paths.kubeconfig);
      // k3s is deleted with the machine. The kubeconfig, possibly half written, remains here and is of no use any more.
      await system.files.remove(config.paths.kubeconfig);
      lab.kubectl.forget();
      return found === undefined ? 'absent' : { removed: 'kubeconfig' };
    },
  };
}

/**
 * The control plane is usable when the API answers and the kubelet of its own machine has registered: workers can join,
 * and Istio can be installed, before this node is Ready. "all nodes Ready" is a separate step.
 */
const ENOUGH = ['ready', 'registered'];

function serverState(view: ClusterSnapshot, name: string, wanted: WantedNode): string {
  const state = nodeState(view, name, wanted);
  // NotReady as reported by its kubelet; a kubelet that no longer reports has status Unknown.
  return state === 'NotReady' && !isSilent(view, name) ? registration(view, name, wanted) : state;
}

function isSilent(view: ClusterSnapshot, name: string): boolean {
  const conditions = findObject(view, 'Node', name)?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown');
}

async function waitForApi(lab: Lab, machine: Machine, context: StepContext): Promise<void> {
  const starting = startProbe(machine, 'k3s');
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: 'the Kubernetes API',
    deadlineMs: SERVER_READY_MS,
    intervalMs: 1_000,
    hint: `Look at the journal: \`${lab.engine.shellHint(machine.name, 'sudo journalctl --unit k3s --lines 40')}\`. A server needs about 1.5 GB of memory (MEM_MASTER).`,
    probe: async () => {
      const notStarted = await starting(context);
      if (notStarted !== undefined) return notStarted;
      const ready = asRoot({
        file: 'k3s',
        args: ['kubectl', 'get', '--raw=/readyz', '--request-timeout=5s'],
        effect: 'read',
        timeoutMs: 20_000,
      });
      return (await runs(machine, ready, context))
        ? { ready: true }
        : { pending: 'the API server does not answer yet' };
    },
  });
}

/** Whether a read command exits with 0; a failure of the machine itself counts as false. */
async function runs(machine: Machine, command: Parameters<Machine['run']>[0], context: Context): Promise<boolean> {
  try {
    await machine.run(command, context);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.failure !== 'not-found') return false;
    throw error;
  }
}
