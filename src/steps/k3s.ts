import { agentStep } from './k3s-agent.ts';
import { nodesStep } from './k3s-nodes.ts';
import { serverStep } from './k3s-server.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';

/** The cluster: k3s on the first machine and on each worker, and all of them Ready. */
export function k3sSteps(lab: Lab): readonly LabStep[] {
  return [
    serverStep(lab),
    ...lab.config.k3s.workerNames.map((name, index) => agentStep(lab, name, index + 1)),
    nodesStep(lab),
  ];
}
