import { sidecarDebArtifact } from '../artifacts/artifacts.ts';
import { driftOf } from '../guest/digest.ts';
import type { GuestPayload } from '../guest/k3s.ts';
import { installScript, sidecarFiles } from '../guest/sidecar.ts';
import { describeWorkloadFiles } from '../guest/workload-files.ts';
import { CliError } from '../errors/cli-error.ts';
import { asRoot, type GuestFile, type GuestScript, type Machine, type PutResult } from '../machines/machine.ts';
import type { Finding, Step, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import type { Command } from '../system/doors.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import { imageBinaries } from './arm64-binaries.ts';
import { viewCluster, type ClusterView } from './cluster.ts';
import { obtainArtifact } from './downloads.ts';
import type { Lab } from './lab.ts';
import { configureWorkload, readWorkloadFiles } from './workload.ts';

const INSTALL_MS = 300_000;
const START_MS = 90_000;
const READY_MS = 180_000;
const REGISTRATION_MS = 90_000;
/** A token with less life than this is renewed before it travels. */
const TOKEN_MARGIN_S = 5 * 60;

/** The package on the VM: everything that needs DNS and disk, before the sidecar captures traffic. */
export function sidecarPackageStep(lab: Lab): Step {
  const { config } = lab;
  return {
    id: 'sidecar-package',
    title: `sidecar on ${config.vm.name}`,
    needs: ['vm', 'sidecar-download'],
    madeBy: 'istio-vms bootstrap',
    expectMs: 15_000,

    async check(): Promise<Finding> {
      const state = await lab.workloadVm.state();
      const version = state?.sidecar.version;
      if (version === undefined) return { missing: `no sidecar on ${config.vm.name}` };
      return version === config.istio.version ? 'ready' : { drifted: `sidecar ${version} is installed` };
    },

    async apply(context) {
      const machine = lab.engine.machine(config.vm.name);
      const payload = await packagePayload(lab, machine, context);
      context.say('installing the sidecar');
      try {
        await machine.put(payload.files, payload.script, { timeoutMs: INSTALL_MS, signal: context.signal });
      } finally {
        lab.workloadVm.forget();
      }
    },
  };
}

/** The deb for the machine's own CPU, or, where it was never published, the binaries out of the image. */
async function packagePayload(lab: Lab, machine: Machine, context: StepContext): Promise<GuestPayload> {
  const cpu = await machine.arch();
  const artifact = sidecarDebArtifact(lab.config, cpu);
  try {
    const deb = { file: await obtainArtifact(lab, artifact, context) };
    return installScript(lab.config, { shipped: lab.shipped, deb });
  } catch (error) {
    if (!(error instanceof CliError && error.reason === 'artifact-absent')) throw error;
    context.say('the package is not published; taking the binaries from the proxyv2 image');
    return installScript(lab.config, { shipped: lab.shipped, ...(await imageBinaries(lab, cpu, context)) });
  }
}

/** Workload files and unit on the VM, enabled, running and ready. */
export function sidecarStep(lab: Lab): Step {
  const { config } = lab;
  return {
    id: 'sidecar',
    title: `${config.vm.name} joins the mesh`,
    needs: ['sidecar-package', 'workload', 'eastwest'],
    madeBy: 'istio-vms bootstrap',
    expectMs: 8_000,

    async check(): Promise<Finding> {
      const [files, address] = [await readWorkloadFiles(lab), (await lab.machines.find(config.vm.name))?.addresses[0]];
      if (files === undefined || address === undefined) return { missing: 'no workload files' };
      const state = await lab.workloadVm.state();
      if (state === undefined) return { missing: `${config.vm.name} is not running` };
      const wanted = sidecarFiles(config, { shipped: lab.shipped, workloadFiles: files, address });
      const different = driftOf(wanted.files, state);
      if (different.length > 0) return { missing: `not as wanted on ${config.vm.name}: ${different.join(', ')}` };
      if (state.sidecar.enabled !== true) return { drifted: 'the sidecar does not start at boot' };
      if (state.sidecar.active !== 'active') return { drifted: `the sidecar is ${state.sidecar.active}` };
      if (!state.sidecar.ready) return { drifted: 'the sidecar is not ready' };
      if (state.sidecar.hosts === false)
        return { drifted: `our lines in /etc/hosts of ${config.vm.name} are not there` };
      return entryOf(lab, await viewCluster(lab), address) === undefined
        ? { drifted: `${config.vm.name} is not registered with ${address}` }
        : 'ready';
    },

    async apply(context) {
      const machine = lab.engine.machine(config.vm.name);
      const address = await machine.address();
      let files = await readWorkloadFiles(lab);
      if (files === undefined || tokenIsStale(lab, describeWorkloadFiles(files).tokenExpires)) {
        context.say('the token has expired; asking for a new one');
        await configureWorkload(lab, context);
        files = await readWorkloadFiles(lab);
      }
      if (files === undefined)
        throw new CliError('step-too-early', {
          message: 'There are no workload files.',
          hint: 'Run `istio-vms workload`.',
        });
      const payload = sidecarFiles(config, { shipped: lab.shipped, workloadFiles: files, address });
      context.say('starting the sidecar');
      try {
        await putAcrossFreeze(machine, payload.files, payload.script, context);
        await waitForReadiness(lab, machine, context);
        await registerAgain(lab, machine, address, context);
      } finally {
        lab.workloadVm.forget();
        lab.kubectl.forget();
      }
    },
  };
}

/** The entry that istiod made for the VM at this address, if it is connected. */
function entryOf(lab: Lab, view: ClusterView, address: string): KubeObject | undefined {
  return view.objects.find(
    (object) =>
      object.kind === 'WorkloadEntry' &&
      object.metadata.namespace === lab.config.vm.namespace &&
      object.metadata.labels?.['app'] === lab.config.vm.app &&
      (object['spec'] as { address?: string } | undefined)?.address === address &&
      object.metadata.annotations?.['istio.io/disconnectedAt'] === undefined,
  );
}

/**
 * istiod registers a proxy when it connects, and only then. When the entry went away meanwhile (with its WorkloadGroup,
 * facts/istio-vm.md 6.1) a sidecar that runs and is ready stays unknown until it connects anew.
 */
async function registerAgain(lab: Lab, machine: Machine, address: string, context: StepContext): Promise<void> {
  const isRegistered = async (): Promise<boolean> => {
    lab.kubectl.forget();
    return entryOf(lab, await viewCluster(lab), address) !== undefined;
  };
  if (await isRegistered()) return;
  context.say(`${machine.name} is not registered; its sidecar connects anew`);
  await machine.run(
    asRoot({ file: 'systemctl', args: ['restart', '--no-block', 'istio'], effect: 'write', timeoutMs: 60_000 }),
  );
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `the WorkloadEntry of ${machine.name}`,
    deadlineMs: REGISTRATION_MS,
    intervalMs: 2_000,
    hint: `Look at istiod: \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${lab.config.istio.namespace} logs deployment/istiod-${lab.config.istio.revision}\`.`,
    probe: async () => ((await isRegistered()) ? { done: true } : { notYet: 'not registered yet' }),
  });
  await waitForReadiness(lab, machine, context);
}

/** `expires` in seconds since 1970. */
function tokenIsStale(lab: Lab, expires: number | undefined): boolean {
  return expires === undefined || expires - TOKEN_MARGIN_S < lab.doors.clock.now() / 1000;
}

/**
 * Loading the rules can swallow the very session that loads them (facts/istio-vm.md 5.6). If the call does not come back
 * but a fresh session answers at once, the session froze and the machine is well: go on in new sessions.
 */
async function putAcrossFreeze(
  machine: Machine,
  files: readonly GuestFile[],
  script: GuestScript,
  context: StepContext,
): Promise<PutResult | undefined> {
  try {
    return await machine.put(files, script, { timeoutMs: START_MS, signal: context.signal });
  } catch (error) {
    if (!timedOut(error)) throw error;
    const alive = await answers(machine, { file: 'true', args: [], effect: 'read', timeoutMs: 15_000 });
    if (!alive) {
      throw new CliError('frozen-session', {
        message: `${machine.name} stopped answering while its sidecar started.`,
        hint: `Restart it with \`multipass restart ${machine.name}\`, then run \`istio-vms bootstrap\` again.`,
        cause: error,
      });
    }
    context.say('that session froze, as sessions older than the rules may; going on in a new one');
    return undefined;
  }
}

function timedOut(error: unknown): boolean {
  if (error instanceof CommandError) return error.failure === 'timed-out';
  return (
    error instanceof CliError && error.facts.cause instanceof CommandError && error.facts.cause.failure === 'timed-out'
  );
}

/** Asks in a new session each time, so that a frozen one costs only its own time-out. */
async function waitForReadiness(lab: Lab, machine: Machine, context: StepContext): Promise<void> {
  const wait: Command = {
    file: 'pilot-agent',
    args: ['wait', '--timeoutSeconds', '5', '--url', 'http://localhost:15021/healthz/ready'],
    effect: 'read',
    timeoutMs: 20_000,
  };
  const journal = asRoot({
    file: 'journalctl',
    args: ['--unit', 'istio', '--no-pager', '--lines', '40'],
    effect: 'read',
    timeoutMs: 20_000,
  });
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `the sidecar on ${machine.name}`,
    deadlineMs: READY_MS,
    intervalMs: 1_000,
    hint: `Look at its journal: \`multipass exec -n ${machine.name} -- sudo journalctl --unit istio --lines 40\`.`,
    probe: async () => {
      if (await answers(machine, wait)) return { done: true };
      const lines = await machine.run(journal).then(
        (result) => result.stdout.trim().split('\n'),
        () => [],
      );
      return { notYet: lines.at(-1) ?? 'not ready yet' };
    },
  });
}

async function answers(machine: Machine, command: Command): Promise<boolean> {
  try {
    await machine.run(command);
    return true;
  } catch (error) {
    if (error instanceof CommandError || error instanceof CliError) return false;
    throw error;
  }
}
