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
  command.option('--no-fix-ca', 'keep the CA address that istioctl wrote');
  command.option('--no-fix-pilot', 'keep the istiod address that istioctl wrote');
};

/** The steps of the article, each as a command of its own. */
export const STEP_COMMANDS: readonly CommandSpec[] = [
  step('k3s', 'Create the k3s cluster: the control plane and WORKERS workers', deletable),
  step('istioctl', 'Download istioctl ISTIO_VERSION into BIN_DIR and verify its checksum'),
  step('istio', 'Install the revisioned control plane'),
  step('eastwest', 'Install the east-west gateway and expose istiod and the services'),
  step('vm', 'Launch the workload VM', deletable),
  step('workload', 'Create the WorkloadGroup and the five files of the workload VM', withoutFixes),
  step('arm64-patch', 'Extract envoy and pilot-agent from the arm64 image, where no arm64 package exists'),
  step('bootstrap', 'Install the sidecar on the workload VM and start it'),
  step('route', 'Create the Service of the WorkloadGroup and start the demo workload'),
];
