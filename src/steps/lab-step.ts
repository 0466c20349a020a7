import type { Step } from '../plan/step.ts';

/** Commands that apply a part of the steps, in the order of the walk-through. */
export type StepCommand =
  'k3s' | 'istioctl' | 'istio' | 'eastwest' | 'vm' | 'workload' | 'bootstrap' | 'route' | 'arm64-patch';

/** Kinds of programs of the host that a step calls: the machine engine, kubectl, docker or podman. */
export type ToolNeed = 'machines' | 'kubectl' | 'container';

/** A step of the lab, with the command that applies it and the tools that it calls. */
export interface LabStep extends Step {
  /** Steps that no smaller command applies have `up` or `bundle`. */
  readonly command: StepCommand | 'up' | 'bundle';
  readonly tools: readonly ToolNeed[];
}
