import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './errors/reasons.ts';
import { REHEARSAL_STARTS, type GlobalOptions, type Invocation } from './invocation.ts';
import type { StepCommand } from './steps/steps.ts';
import { VERSION } from './version.ts';

/** Every command is loaded when it is chosen, so that `--help` starts fast. */
type Load = () => Promise<(invocation: Invocation, options: GlobalOptions & Record<string, unknown>, args: string[]) => Promise<ExitCode>>;

/**
 * Parses the command line and runs the chosen command.
 * @returns the exit code; nothing is thrown.
 */
export async function run(invocation: Invocation): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = commandTree(invocation, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...invocation.argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
  return exitCode;
}

/** The command tree and nothing else. `done` hears the exit code. */
export function commandTree(invocation: Invocation, done: (code: ExitCode) => void): Command {
  const program = new Command('istio-vms')
    .description('Gets a virtual machine into an Istio mesh, and proves that it works.')
    .version(VERSION, '-V, --version')
    .configureOutput({
      writeOut: (text) => void invocation.stdout.write(text),
      writeErr: (text) => void invocation.stderr.write(text),
      getOutHelpWidth: () => invocation.stdout.columns ?? 80,
      getErrHelpWidth: () => invocation.stderr.columns ?? 80,
    })
    .exitOverride()
    .showHelpAfterError('(istio-vms --help shows all commands)')
    .addHelpText('after', () => exitCodesHelp());

  const add = (name: string, summary: string, load: Load, extend?: (command: Command) => void): void => {
    const command = program.command(name).description(summary).copyInheritedSettings(program);
    extend?.(command);
    addGlobalOptions(command);
    command.action(async (...call: unknown[]) => {
      const args = (call.slice(0, -2) as (string | string[])[]).flat();
      const options = command.opts<GlobalOptions & Record<string, unknown>>();
      const start = await load();
      done(await start(invocation, options, args));
    });
  };
  const deletable = (command: Command): void => {
    command.addOption(new Option('--delete', 'take it down: what istio-vms made, and only that').conflicts('recreate'));
    command.addOption(new Option('--recreate', 'take it down and make it again'));
  };

  add('up', 'make everything, whatever can run at once at once, and verify it', async () => (await import('./commands/up.ts')).up, (command) => {
    deletable(command);
    command.option('--skip-verify', 'do not verify at the end');
  });
  const step = (name: StepCommand): Load => async () => {
    const { step: run } = await import('./commands/step.ts');
    return (invocation, options) => run(name, invocation, options);
  };
  add('k3s', 'the cluster: a control plane and WORKERS workers on machines', step('k3s'), deletable);
  add('istioctl', 'istioctl of exactly ISTIO_VERSION, checked, into BIN_DIR', step('istioctl'));
  add('istio', 'the revisioned control plane', step('istio'));
  add('eastwest', 'the east-west gateway, with istiod and the services behind it', step('eastwest'));
  add('vm', 'the workload machine', step('vm'), deletable);
  add('workload', 'the WorkloadGroup and the five files of the workload machine', step('workload'), (command) => {
    command.option('--no-fix-ca', 'leave the CA address that istioctl wrote');
    command.option('--no-fix-pilot', 'leave the istiod address that istioctl wrote');
  });
  add('arm64-patch', 'envoy and pilot-agent out of the arm64 proxyv2 image, with CONTAINER_TOOL', step('arm64-patch'));
  add('bootstrap', 'the sidecar onto the workload machine, started and ready', step('bootstrap'));
  add('route', 'a Service in front of the WorkloadGroup, and a demo workload behind it', step('route'));
  add('verify', 'prove it: every claim of the walk-through as a check', async () => (await import('./commands/verify.ts')).verify, (command) => {
    command.argument('[check...]', 'only these checks, by name');
    command.option('--strict', 'also with STRICT mutual TLS');
    command.option('--network-policy', 'also the experiments with network policies');
    command.option('--list', 'only list the checks');
  });
  add('status', 'one screen of the whole lab', async () => (await import('./commands/status.ts')).status);
  add('plan', 'the steps, what each needs, what is there, what would change', async () => (await import('./commands/plan.ts')).plan, (command) => {
    command.option('--commands', 'every command that would run, in order, pasteable');
    command.option('--graph', 'the steps as a Mermaid graph');
  });
  add('env', 'exports for the shell: eval "$(istio-vms env)"', async () => (await import('./commands/env.ts')).env);
  return program;
}

function addGlobalOptions(command: Command): void {
  command
    .addOption(new Option('-o, --output <format>', 'how the answer is printed').choices(['text', 'json']).default('text'))
    .addOption(new Option('-c, --config <file>', 'configuration file (default: run.env here, if it exists)'))
    .addOption(
      new Option('-s, --set <NAME=VALUE>', 'set one variable; wins over environment and file; repeatable')
        .default({}, 'none')
        .argParser(collectSetting),
    )
    .addOption(new Option('-q, --quiet', 'no progress, only the answer and errors').default(false))
    .addOption(new Option('-v, --verbose', 'plain lines instead of a tree, with every command').default(false))
    .addOption(new Option('--rehearse', 'in a simulated world: nothing real is touched, no other tool is needed').default(false))
    .addOption(new Option('--from <start>', 'where a rehearsal begins').choices(REHEARSAL_STARTS))
    .addOption(
      new Option('--fault <name>', 'let this go wrong in the rehearsal; repeatable')
        .default([], 'none')
        .argParser((name: string, before: readonly string[]) => [...before, name]),
    );
}

function collectSetting(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
}

function exitCodesHelp(): string {
  const rows = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return ['', 'Exit codes:', ...rows].join('\n');
}
