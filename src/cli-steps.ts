import { deletable, type CommandSpec, type Load } from './cli-spec.ts';
import type { StepCommand } from './steps/steps.ts';

const step =
  (name: StepCommand): Load =>
  async () => {
    const { step: start } = await import('./commands/step.ts');
    return (invocation, options) => start(name, invocation, options);
  };

/** The steps of the article, each as a command of its own. */
export const STEP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'k3s',
    group: 'Steps, in order:',
    summary: 'The cluster: a control plane and WORKERS workers on machines.',
    load: step('k3s'),
    extend: deletable,
  },
  {
    name: 'istioctl',
    group: 'Steps, in order:',
    summary: 'istioctl of exactly ISTIO_VERSION, checked, into BIN_DIR.',
    load: step('istioctl'),
  },
  { name: 'istio', group: 'Steps, in order:', summary: 'The revisioned control plane.', load: step('istio') },
  {
    name: 'eastwest',
    group: 'Steps, in order:',
    summary: 'The east-west gateway, with istiod and the services behind it.',
    load: step('eastwest'),
  },
  { name: 'vm', group: 'Steps, in order:', summary: 'The workload machine.', load: step('vm'), extend: deletable },
  {
    name: 'workload',
    group: 'Steps, in order:',
    summary: 'The WorkloadGroup, and the five files of the workload machine.',
    load: step('workload'),
    extend: (command) => {
      command.option('--no-fix-ca', 'leave the CA address that istioctl wrote');
      command.option('--no-fix-pilot', 'leave the istiod address that istioctl wrote');
    },
  },
  {
    name: 'arm64-patch',
    group: 'Steps, in order:',
    summary: 'envoy and pilot-agent out of the arm64 image; only where no arm64 package exists.',
    load: step('arm64-patch'),
  },
  {
    name: 'bootstrap',
    group: 'Steps, in order:',
    summary: 'The sidecar onto the workload machine, started and ready.',
    load: step('bootstrap'),
  },
  {
    name: 'route',
    group: 'Steps, in order:',
    summary: 'A Service in front of the WorkloadGroup, and a demo workload behind it.',
    load: step('route'),
  },
];
