import { CliError } from '../errors/cli-error.ts';
import { driftOf } from '../guest/digest.ts';
import { sidecarFiles } from '../guest/sidecar.ts';
import { describeWorkloadFiles, workloadIdentity, type WorkloadFiles } from '../guest/workload-files.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { clusterSnapshot } from './cluster-snapshot.ts';
import type { WorkloadLab } from './workload-lab.ts';
import type { LabStep } from './lab-step.ts';
import { entryOf, registerAgain } from './registration.ts';
import { putDespiteHang, waitForReadiness } from './sidecar-start.ts';
import { configureWorkload, gatewayAddressOf, readWorkloadFiles } from './workload.ts';

/** A token that expires sooner than this is renewed before it is copied to the machine. */
const TOKEN_MARGIN_S = 5 * 60;
/** The maximum number of tokens for one start. */
const TOKENS = 3;

/** Workload files and unit on the VM, enabled, running and ready. */
export function sidecarStep(lab: WorkloadLab): LabStep {
  const { config } = lab;
  return {
    id: `sidecar${lab.suffix}`,
    title: `${lab.workload.name} joins the mesh`,
    needs: [`sidecar-package${lab.suffix}`, `workload${lab.suffix}`, 'eastwest'],
    command: 'bootstrap',
    tools: ['machines', 'kubectl'],
    expectMs: 8_000,

    async check(context): Promise<Finding> {
      const [files, address] = [
        await readWorkloadFiles(lab),
        (await lab.machines.find(lab.workload.name, context))?.addresses[0],
      ];
      if (files === undefined || address === undefined) return { missing: 'no workload files' };
      const state = await lab.vm.state(context);
      if (state === undefined) return { missing: `${lab.workload.name} is not running` };
      const wanted = sidecarFiles(config, {
        shipped: lab.shipped,
        workload: lab.workload,
        workloadFiles: files,
        address,
      });
      const different = driftOf(wanted.files, state);
      if (different.length > 0) return { missing: `drift on ${lab.workload.name}: ${different.join(', ')}` };
      if (state.sidecar.enabled !== true) return { drifted: 'the sidecar does not start at boot' };
      if (state.sidecar.current !== true) return { drifted: 'the sidecar was started with other files' };
      const identity = workloadIdentity(lab.workload, files);
      if (state.certIdentity !== undefined && state.certIdentity !== identity)
        return { drifted: `the sidecar has a certificate of ${state.certIdentity}, not of ${identity}` };
      if (state.sidecar.active !== 'active') return { drifted: `the sidecar is ${state.sidecar.active}` };
      if (!state.sidecar.ready) return { drifted: 'the sidecar is not ready' };
      if (state.sidecar.hosts === false)
        return { drifted: `the lines of istio-vms in /etc/hosts of ${lab.workload.name} are missing` };
      return entryOf(lab, await clusterSnapshot(lab, context), address) === undefined
        ? { drifted: `${lab.workload.name} is not registered with ${address}` }
        : 'ready';
    },

    async apply(context) {
      const machine = lab.engine.machine(lab.workload.name);
      const address = await machine.address(context);
      let seen = false;
      try {
        for (let token = 1; ; token++) {
          const files = await filesWithFreshToken(lab, context);
          const payload = sidecarFiles(config, {
            shipped: lab.shipped,
            workload: lab.workload,
            workloadFiles: files,
            address,
          });
          context.say('starting the sidecar');
          const former = (await lab.vm.state(context))?.sidecar.invocation;
          const started = await putDespiteHang(lab, machine, payload, context);
          const before = started === 'started' ? former : undefined;
          // The token ages while this computer sleeps, even while the sidecar starts.
          const giveUp = token < TOKENS ? () => isStale(lab, files) : () => false;
          if ((await waitForReadiness(lab, machine, context, { giveUp, before })) === 'ready') break;
        }
        await registerAgain(lab, machine, address, context);
        seen = true;
      } finally {
        // The state that was read when the sidecar became ready stays valid.
        if (!seen) {
          lab.vm.forget();
          lab.kubectl.forget();
        }
      }
    },
  };
}

/** The workload files, with a token that is valid long enough for the start. */
async function filesWithFreshToken(lab: WorkloadLab, context: StepContext): Promise<WorkloadFiles> {
  const files = await readWorkloadFiles(lab);
  if (files !== undefined && !isStale(lab, files)) return files;
  context.say('the token has expired; asking for a new one');
  await configureWorkload(lab, context, await gatewayAddressOf(lab, context));
  const renewed = await readWorkloadFiles(lab);
  if (renewed !== undefined) return renewed;
  throw new CliError('prerequisite-missing', {
    message: 'There are no workload files.',
    hint: 'Run `istio-vms workload`.',
  });
}

/** A token that cannot be parsed counts as stale. */
function isStale(lab: WorkloadLab, files: WorkloadFiles): boolean {
  const { tokenExpires } = describeWorkloadFiles(files);
  return tokenExpires === undefined || tokenExpires - TOKEN_MARGIN_S < lab.system.clock.now() / 1000;
}
