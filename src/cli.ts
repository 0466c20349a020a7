import { Command, CommanderError } from 'commander';
import { COMMANDS } from './cli-commands.ts';
import { addCommonOptions, lockTimeout } from './cli-options.ts';
import type { CommandSpec } from './cli-spec.ts';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './errors/reasons.ts';
import type { Invocation, Output } from './invocation.ts';
import { VERSION } from './version.ts';

/** Parses the command line and runs the chosen command. @returns the exit code; throws only on unexpected errors. */
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

/** Builds the command tree. `done` is called with the exit code. */
function commandTree(invocation: Invocation, done: (code: ExitCode) => void): Command {
  const program = new Command('istio-vms')
    .description('Join virtual machines to an Istio mesh and verify that it works')
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
    .showHelpAfterError('Run `istio-vms --help` for all commands.')
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

/** A stream that is not a terminal has no columns, although its type declares them. */
function columnsOf(stream: Output): number {
  return stream.isTTY ? stream.columns : 80;
}

function rootFooter(): string {
  const rows = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return [
    '',
    'Start with `istio-vms up --rehearse`.',
    'Run `istio-vms <command> --help` for details.',
    '',
    'Exit codes:',
    ...rows,
  ].join('\n');
}
