import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './errors/reasons.ts';
import { LOCK_TIMEOUT_S, REHEARSAL_STARTS, type GlobalOptions, type Invocation, type Output } from './invocation.ts';
import type { StepCommand } from './steps/steps.ts';
import { VERSION } from './version.ts';

/** Every command is loaded when it is chosen, so that `--help` starts fast. */
type Load = () => Promise<
  (invocation: Invocation, options: GlobalOptions, args: readonly string[]) => Promise<ExitCode>
>;

interface CommandSpec {
  readonly name: string;
  readonly group: 'The whole:' | 'Steps, in order:' | 'Looking:';
  readonly summary: string;
  readonly load: Load;
  readonly extend?: (command: Command) => void;
  /** It changes nothing, and so stands in nobody's way. */
  readonly readOnly?: true;
  /** Lines below the options. */
  readonly examples?: readonly string[];
}

/**
 * Parses the command line and runs the chosen command.
 * @returns the exit code; nothing is thrown but what is truly unforeseen.
 */
export async function run(invocation: Invocation): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = commandTree(invocation, (code) => {
    exitCode = code;
  });
  if (invocation.argv.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await program.parseAsync([...invocation.argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
  return exitCode;
}

/** The command tree and nothing else. `done` hears the exit code. */
function commandTree(invocation: Invocation, done: (code: ExitCode) => void): Command {
  const program = new Command('istio-vms')
    .description('Gets a virtual machine into an Istio mesh, and proves that it works.')
    .usage('<command> [options]')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => void invocation.stdout.write(text),
      writeErr: (text) => void invocation.stderr.write(text),
      getOutHelpWidth: () => columnsOf(invocation.stdout),
      getErrHelpWidth: () => columnsOf(invocation.stderr),
    })
    .configureHelp({ optionDescription: ({ description }) => description, subcommandTerm: (command) => command.name() })
    .exitOverride()
    .showHelpAfterError('(`istio-vms --help` shows all commands.)')
    .addHelpText('after', rootFooter());
  for (const spec of COMMANDS) addCommand(program, spec, invocation, done);
  return program;
}

function addCommand(program: Command, spec: CommandSpec, invocation: Invocation, done: (code: ExitCode) => void): void {
  const command = program
    .command(spec.name)
    .description(spec.summary)
    .helpGroup(spec.group)
    .copyInheritedSettings(program);
  spec.extend?.(command);
  addCommonOptions(command, spec.readOnly === true ? [] : [lockTimeout()]);
  if (spec.examples !== undefined)
    command.addHelpText('after', ['', 'Examples:', ...spec.examples.map((line) => `  ${line}`)].join('\n'));
  command.action(async (...call: unknown[]) => {
    const args = (call.slice(0, -2) as (string | string[])[]).flat();
    const start = await spec.load();
    done(await start(invocation, command.opts(), args));
  });
}

const deletable = (command: Command): void => {
  command.addOption(new Option('--delete', 'take it down: what istio-vms made, and only that').conflicts('recreate'));
  command.addOption(new Option('--recreate', 'take it down and make it again'));
};

const step =
  (name: StepCommand): Load =>
  async () => {
    const { step: start } = await import('./commands/step.ts');
    return (invocation, options) => start(name, invocation, options);
  };

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'up',
    group: 'The whole:',
    summary: 'Makes everything, whatever can run at once at once, and verifies it.',
    load: async () => (await import('./commands/up.ts')).up,
    extend: (command) => {
      deletable(command);
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
        new Option('--image-archive <file>', 'images that docker or podman has saved, in place of pulling; repeatable')
          .default([])
          .argParser((file: string, before: readonly string[]) => [...before, file]),
      );
    },
    examples: [
      'istio-vms bundle create                      images come from CONTAINER_TOOL',
      'istio-vms bundle create --cpu amd64 --file lab.tar',
      'istio-vms up --bundle lab.tar                where there is no network',
    ],
  },
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

function lockTimeout(): Option {
  return new Option(
    '--lock-timeout <s>',
    `seconds to wait for another run with the same DATA_DIR; 0: not at all (otherwise ${LOCK_TIMEOUT_S})`,
  ).argParser(wholeSeconds);
}

function addCommonOptions(command: Command, more: readonly Option[]): void {
  const common: readonly Option[] = [
    new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'),
    new Option('-c, --config <file>', 'configuration file; otherwise run.env here, if there is one'),
    new Option('-s, --set <NAME=VALUE>', 'set a variable, over environment and file; repeatable')
      .default({})
      .argParser(collectSetting),
    new Option('-q, --quiet', 'no story, only the answer and errors').default(false),
    new Option('-v, --verbose', 'plain lines, every one of them').default(false),
    ...more,
    new Option('-h, --help', 'print this help'),
  ];
  const rehearsal: readonly Option[] = [
    new Option('--rehearse', 'in a simulated world: nothing real is touched').default(false),
    new Option('--from <start>', `where it begins: ${REHEARSAL_STARTS.join(', ')}`).choices(REHEARSAL_STARTS),
    new Option('--fault <name>', 'let this go wrong; repeatable; an unknown name lists all')
      .default([])
      .argParser((name: string, before: readonly string[]) => [...before, name]),
  ];
  for (const option of common.slice(0, -1)) command.addOption(option.helpGroup('Always:'));
  command.addHelpOption((common.at(-1) as Option).helpGroup('Always:'));
  for (const option of rehearsal) command.addOption(option.helpGroup('Rehearsal:'));
}

function wholeSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds.');
  return Number(text);
}

function collectSetting(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
}

/** A stream that is no terminal has no columns, whatever its type says. */
function columnsOf(stream: Output): number {
  return stream.isTTY ? stream.columns : 80;
}

function rootFooter(): string {
  const rows = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return [
    '',
    'Begin with `istio-vms up --rehearse`. `istio-vms <command> --help` tells more.',
    '',
    'Exit codes:',
    ...rows,
  ].join('\n');
}
