import { arm64BinariesStep } from './arm64-binaries.ts';
import { bundleStep } from './bundle.ts';
import { istioctlStep, k3sBinaryStep, sidecarDownloadStep } from './downloads.ts';
import { eastwestStep } from './eastwest.ts';
import { experimentsStep } from './experiments.ts';
import { istioStep } from './istio.ts';
import { k3sSteps } from './k3s.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { machineSteps } from './machines.ts';
import { nodeImageSteps } from './node-images.ts';
import { spareWorkersStep } from './spare-workers.ts';
import { sidecarPackageStep } from './sidecar-package.ts';
import { sidecarStep } from './sidecar.ts';
import { demoStep } from './demo.ts';
import { routeStep, sampleStep } from './traffic.ts';
import { workloadStep } from './workload.ts';
import { workloadLabs } from './workload-lab.ts';

/** All steps of `up`. This order is only for display; `needs` decides the order in which they run. */
export function labSteps(lab: Lab): readonly LabStep[] {
  return [
    ...(lab.bundle === undefined ? [] : [bundleStep(lab.bundle)]),
    ...machineSteps(lab),
    ...nodeImageSteps(lab),
    k3sBinaryStep(lab),
    istioctlStep(lab),
    sidecarDownloadStep(lab),
    ...k3sSteps(lab),
    spareWorkersStep(lab),
    experimentsStep(lab),
    istioStep(lab),
    eastwestStep(lab),
    ...workloadLabs(lab).flatMap((of) => [
      sidecarPackageStep(of),
      workloadStep(of),
      sidecarStep(of),
      demoStep(of),
      routeStep(of),
    ]),
    sampleStep(lab),
  ];
}

/** The steps of `up`, and those that only a separate command applies. */
export function allSteps(lab: Lab): readonly LabStep[] {
  return [...labSteps(lab), arm64BinariesStep(lab)];
}

/** Ids of the steps that a command applies. */
export function stepsOf(command: LabStep['command'], steps: readonly LabStep[]): readonly string[] {
  return steps.filter((step) => step.command === command).map((step) => step.id);
}
