import { Argument, Option } from 'commander';
import { deletable, repeatable, type CommandSpec } from './cli-spec.ts';
import { ISTIOCTL_BUILDS } from './config/istioctl-builds.ts';
import { STEP_COMMANDS } from './cli-steps.ts';

const WHOLE: readonly CommandSpec[] = [
  {
    name: 'up',
    group: 'The whole:',
    summary: 'Makes everything, whatever can run at once at once, and verifies it.',
    load: async () => (await import('./commands/up.ts')).up,
    extend: (command) => {
      deletable(command);
      command.addOption(
        new Option('--prune', 'also delete machines and Kubernetes objects left over from former settings').conflicts(
          'delete',
        ),
      );
      command.option('--skip-verify', 'do not verify at the end');
      command.addOption(
        new Option('--bundle <file>', 'everything out of this file: nothing is downloaded').conflicts('delete'),
      );
      command.option('--report <file>', 'where the picture of the run goes; otherwise .tmp/report.html');
    },
    examples: [
      'istio-vms up --rehearse         see all of it, with no other tool installed',
      'istio-vms up --set WORKERS=1    with one worker',
      'istio-vms up --rehearse --fault vm-rebooted',
      'istio-vms up --delete           take everything down again',
      'istio-vms up --bundle lab.tar   with everything out of a file, and no network',
    ],
  },
  {
    name: 'bundle',
    group: 'The whole:',
    summary: 'Everything that a lab needs in one file, for `up --bundle`.',
    load: async () => (await import('./commands/bundle.ts')).bundle,
    extend: (command) => {
      command.addArgument(new Argument('<action>', 'what to do with it').choices(['create']));
      command.option('--file <path>', 'where it goes; otherwise istio-vms-bundle-ISTIO_VERSION.tar here');
      command.addOption(
        new Option('--cpu <cpu>', 'of the machines: amd64, arm64 or both')
          .choices(['amd64', 'arm64', 'both'])
          .default('both'),
      );
      command.addOption(
        repeatable(
          '--istioctl <build>',
          `build of istioctl to include: ${ISTIOCTL_BUILDS.join(', ')}; repeatable (default: ISTIO_ARCH, or Linux and macOS)`,
          ISTIOCTL_BUILDS,
        ),
      );
      command.addOption(
        repeatable('--image-archive <file>', 'images that docker or podman has saved, in place of pulling; repeatable'),
      );
    },
    examples: [
      'istio-vms bundle create                      images come from CONTAINER_TOOL',
      'istio-vms bundle create --cpu amd64 --istioctl linux-amd64 --file lab.tar',
      'istio-vms up --bundle lab.tar                where there is no network',
    ],
  },
];

const LOOKING: readonly CommandSpec[] = [
  {
    name: 'verify',
    group: 'Looking:',
    summary: 'Proves it: every claim of the walk-through as a check.',
    load: async () => (await import('./commands/verify.ts')).verify,
    extend: (command) => {
      command.argument('[check...]', 'only these checks');
      command.option('--strict', 'also with STRICT mutual TLS');
      command.option('--network-policy', 'also the experiments with network policies');
      command.option('--list', 'only list the checks');
    },
    examples: ['istio-vms verify dns vm-to-mesh', 'istio-vms verify --strict --network-policy --output json'],
  },
  {
    name: 'status',
    group: 'Looking:',
    readOnly: true,
    summary: 'One screen of the whole lab.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'plan',
    group: 'Looking:',
    readOnly: true,
    summary: 'The steps, what each needs, what is there, what would change.',
    load: async () => (await import('./commands/plan.ts')).plan,
    extend: (command) => {
      command.addOption(
        new Option('--commands', 'every command that would run, in order, pasteable').conflicts('graph'),
      );
      command.option('--graph', 'the steps as a Mermaid graph');
    },
    examples: [
      'istio-vms plan --commands               from what is really there',
      'istio-vms plan --commands --rehearse    from nothing',
    ],
  },
  {
    name: 'env',
    group: 'Looking:',
    readOnly: true,
    summary: 'Exports for the shell: eval "$(istio-vms env)"',
    load: async () => (await import('./commands/env.ts')).env,
  },
];

/** Every command there is, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [...WHOLE, ...STEP_COMMANDS, ...LOOKING];
