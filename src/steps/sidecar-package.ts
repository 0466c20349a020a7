import { sidecarDebArtifact } from '../artifacts/artifacts.ts';
import type { GuestPayload } from '../guest/k3s.ts';
import { installScript } from '../guest/sidecar.ts';
import type { Machine } from '../machines/machine.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { imageBinaries } from './arm64-binaries.ts';
import { canFallBack, obtainArtifact } from './downloads.ts';
import type { WorkloadLab } from './workload-lab.ts';
import type { LabStep } from './lab-step.ts';

const INSTALL_MS = 300_000;

/** The package on the VM. It needs DNS and disk space, so it is installed before the sidecar captures traffic. */
export function sidecarPackageStep(lab: WorkloadLab): LabStep {
  const { config } = lab;
  return {
    id: `sidecar-package${lab.suffix}`,
    title: `sidecar on ${lab.workload.name}`,
    needs: [`vm${lab.suffix}`, 'sidecar-download'],
    command: 'bootstrap',
    tools: ['machines'],
    expectMs: 15_000,

    async check(context): Promise<Finding> {
      const state = await lab.vm.state(context);
      const version = state?.sidecar.version;
      if (version === undefined) return { missing: `no sidecar on ${lab.workload.name}` };
      return version === config.istio.version ? 'ready' : { drifted: `sidecar ${version} is installed` };
    },

    async apply(context) {
      const machine = lab.engine.machine(lab.workload.name);
      const payload = await packagePayload(lab, machine, context);
      context.say('installing the sidecar');
      try {
        await machine.put(payload.files, payload.script, {
          timeoutMs: INSTALL_MS,
          signal: context.signal,
          say: context.say,
        });
      } finally {
        lab.vm.forget();
      }
    },
  };
}

/** The deb for the machine's CPU or, if it was never published, the binaries from the image. */
async function packagePayload(lab: WorkloadLab, machine: Machine, context: StepContext): Promise<GuestPayload> {
  // The state was just read and contains the CPU, which saves a session.
  const cpu = (await lab.vm.state(context))?.arch ?? (await machine.arch(context));
  const artifact = sidecarDebArtifact(lab.config, cpu);
  try {
    const deb = { file: await obtainArtifact(lab, artifact, context) };
    return installScript(lab.config, { shipped: lab.shipped, deb });
  } catch (error) {
    if (!canFallBack(lab, error)) throw error;
    context.say('the package is not published; taking the binaries from the proxyv2 image');
    return installScript(lab.config, { shipped: lab.shipped, ...(await imageBinaries(lab, cpu, context)) });
  }
}
