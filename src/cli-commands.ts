import { Argument, Option } from 'commander';
import { deletable, repeatable, type CommandSpec } from './cli-spec.ts';
import { ISTIOCTL_BUILDS } from './config/versions.ts';
import { STEP_COMMANDS } from './cli-steps.ts';

const LAB_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'up',
    group: 'Lab:',
    summary: 'Create the lab, in parallel where possible, and verify it',
    load: async () => (await import('./commands/up.ts')).up,
    extend: (command) => {
      deletable(command);
      command.addOption(
        new Option('--prune', 'also delete machines and Kubernetes objects left over from previous settings').conflicts(
          'delete',
        ),
      );
      command.option('--skip-verify', 'skip the verification at the end');
      command.addOption(new Option('--bundle <file>', 'use this bundle; download nothing').conflicts('delete'));
      command.option('--report <file>', 'write the run report to this file (default: .tmp/report.html)');
    },
    examples: [
      'istio-vms up --rehearse         rehearse it; needs no other tool',
      'istio-vms up --set WORKERS=1    with one worker',
      'istio-vms up --rehearse --fault vm-rebooted',
      'istio-vms up --delete           delete the lab',
      'istio-vms up --bundle lab.tar   from a bundle, without a network',
    ],
  },
  {
    name: 'bundle',
    group: 'Lab:',
    summary: 'Create one file with everything a lab needs, for `up --bundle`',
    load: async () => (await import('./commands/bundle.ts')).bundle,
    extend: (command) => {
      command.addArgument(new Argument('<action>', 'what to do with the bundle').choices(['create']));
      command.option('--file <path>', 'bundle file (default: istio-vms-bundle-ISTIO_VERSION.tar)');
      command.addOption(
        new Option('--cpu <cpu>', 'CPU of the machines: amd64, arm64 or both')
          .choices(['amd64', 'arm64', 'both'])
          .default('both'),
      );
      command.addOption(
        repeatable(
          '--istioctl <build>',
          `istioctl build to include: ${ISTIOCTL_BUILDS.join(', ')} (repeatable; default: ISTIO_ARCH, or Linux and macOS)`,
          ISTIOCTL_BUILDS,
        ),
      );
      command.addOption(
        repeatable('--image-archive <file>', 'images saved by docker or podman, used instead of pulling (repeatable)'),
      );
    },
    examples: [
      'istio-vms bundle create                      images pulled with CONTAINER_TOOL',
      'istio-vms bundle create --cpu amd64 --istioctl linux-amd64 --file lab.tar',
      'istio-vms up --bundle lab.tar                use it without a network',
    ],
  },
];

const INSPECT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'verify',
    group: 'Inspect:',
    summary: 'Verify the lab end to end',
    load: async () => (await import('./commands/verify.ts')).verify,
    extend: (command) => {
      command.argument('[check...]', 'run only these checks');
      command.option('--strict', 'also verify with STRICT mutual TLS');
      command.option('--network-policy', 'also verify with network policies');
      command.option('--list', 'list the checks');
    },
    examples: ['istio-vms verify dns vm-to-mesh', 'istio-vms verify --strict --network-policy --output json'],
  },
  {
    name: 'status',
    group: 'Inspect:',
    readOnly: true,
    summary: 'Show the state of the lab',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'plan',
    group: 'Inspect:',
    readOnly: true,
    summary: 'Show the steps, their state and what would change',
    load: async () => (await import('./commands/plan.ts')).plan,
    extend: (command) => {
      command.addOption(new Option('--commands', 'print every command that would run, in order').conflicts('graph'));
      command.option('--graph', 'print the steps as a Mermaid graph');
    },
    examples: [
      'istio-vms plan --commands               from the current state',
      'istio-vms plan --commands --rehearse    from nothing',
    ],
  },
  {
    name: 'env',
    group: 'Inspect:',
    readOnly: true,
    summary: 'Print shell exports: eval "$(istio-vms env)"',
    load: async () => (await import('./commands/env.ts')).env,
  },
];

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [...LAB_COMMANDS, ...STEP_COMMANDS, ...INSPECT_COMMANDS];
