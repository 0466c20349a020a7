import type { Step } from '../plan/step.ts';

/** Commands that apply a part of the steps, in the order of the walk-through. */
export type StepCommand =
  'k3s' | 'istioctl' | 'istio' | 'eastwest' | 'vm' | 'workload' | 'bootstrap' | 'route' | 'arm64-patch';

/** Kinds of programs of the host that a step calls: the machine engine, kubectl, docker or podman. */
export type ToolNeed = 'machines' | 'kubectl' | 'container';

/** A step of the lab: one that names a command and the tools that exist here. */
export interface LabStep extends Step {
  /** `up` and `bundle` apply steps that no smaller command applies. */
  readonly command: StepCommand | 'up' | 'bundle';
  readonly tools: readonly ToolNeed[];
}
