import type { Command } from 'commander';
import { deletable, type CommandSpec } from './cli-spec.ts';
import type { StepCommand } from './steps/lab-step.ts';

const step = (
  name: StepCommand,
  summary: string,
  extend: (command: Command) => void = () => undefined,
): CommandSpec => ({
  name,
  group: 'Steps, in order:',
  summary,
  extend,
  load: async () => {
    const { step: start } = await import('./commands/step.ts');
    return (invocation, options) => start(name, invocation, options);
  },
});

const withoutFixes = (command: Command): void => {
  command.option('--no-fix-ca', 'leave the CA address that istioctl wrote');
  command.option('--no-fix-pilot', 'leave the istiod address that istioctl wrote');
};

/** The steps of the article, each as a command of its own. */
export const STEP_COMMANDS: readonly CommandSpec[] = [
  step('k3s', 'The cluster: a control plane and WORKERS workers on machines.', deletable),
  step('istioctl', 'istioctl of exactly ISTIO_VERSION, checked, into BIN_DIR.'),
  step('istio', 'The revisioned control plane.'),
  step('eastwest', 'The east-west gateway, with istiod and the services behind it.'),
  step('vm', 'The workload machine.', deletable),
  step('workload', 'The WorkloadGroup, and the five files of the workload machine.', withoutFixes),
  step('arm64-patch', 'envoy and pilot-agent out of the arm64 image; only where no arm64 package exists.'),
  step('bootstrap', 'The sidecar onto the workload machine, started and ready.'),
  step('route', 'A Service in front of the WorkloadGroup, and a demo workload behind it.'),
];
