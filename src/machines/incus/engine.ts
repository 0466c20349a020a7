import { CliError } from '../../errors/cli-error.ts';
import { CommandError } from '../../system/command-error.ts';
import type { Command, CommandResult, Context } from '../../system/system.ts';
import { explain } from '../../system/explain.ts';
import { retry } from '../../system/retry.ts';
import type { EngineParts } from '../definition.ts';
import * as argv from './argv.ts';
import { parseInstances } from './json.ts';
import { foreignMachine } from '../ownership.ts';
import { INCUS_REQUIREMENT, restartHint, shellHint } from './host.ts';
import { INCUS_ISSUES } from './issues.ts';
import { inotifyWarning } from './host-limits.ts';
import { BUSY, createIncusLauncher, NOT_YET, type IncusLauncherParts } from './launch.ts';
import { lacksModules } from './modules.ts';
import { readiness, type IncusReadiness, type IncusSettings } from './probe.ts';
import { KERNEL_MODULES } from './launch-settings.ts';
import { asInner, DAEMON_ENDED, isCut, isLost, isWhole, neverStarted, withoutMarks } from './session.ts';
import { createMachineCache, withDaemonRetry, withIssues } from '../session.ts';
import type { EngineContext, MachineEngine, MachineInfo } from '../machine.ts';

/** A command that never started, or that only reads, can be retried safely. */
const EXEC_PAUSES = [500, 1_000, 2_000];
/** A read can be retried safely after a lost session; a machine that restarts is back within these delays. */
const LOST_PAUSES = [1_000, 4_000];
/** How long the daemon may be busy with another operation: two minutes, as a slow disk takes to unpack an image. */
const BUSY_PAUSES = Array.from({ length: 60 }, () => 2_000);

interface IncusParts extends Pick<EngineParts, 'system' | 'place' | 'names'> {
  readonly settings: IncusSettings;
}

/** Incus through its command line, following the twelve rules of docs/facts/incus.md. */
export function createIncus({ system, place, settings, names }: IncusParts): MachineEngine {
  const { clock } = system;
  const processes = withDaemonRetry(withIssues(system.processes, INCUS_ISSUES), clock, isAway);
  const { lab } = place;
  const addresses = new Map<string, string>();
  let looked: Promise<IncusReadiness> | undefined;

  const ask = async (command: Command, context: Context): Promise<CommandResult> => {
    try {
      return await processes.run(command, context);
    } catch (thrown) {
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  const query = async (path: string, context: Context): Promise<string | undefined> => {
    try {
      return (await processes.run(argv.queryCommand(settings, path), context)).stdout;
    } catch (thrown) {
      if (thrown instanceof CommandError && isAbsence(thrown)) return undefined;
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  /** Probed once per run: it does not change between launches. */
  const ready = (context: Context): Promise<IncusReadiness> => {
    looked ??= readiness(
      settings,
      (path) => query(path, context),
      async () => (await ask(argv.aliasesCommand(), context)).stdout,
    ).catch((thrown: unknown) => {
      looked = undefined;
      throw thrown;
    });
    return looked;
  };

  const list = async (context: Context): Promise<readonly MachineInfo[]> =>
    parseInstances((await ask(argv.listCommand(settings), context)).stdout);

  const runOn = async (name: string, command: Command, context: Context): Promise<CommandResult> => {
    const session = async (): Promise<CommandResult> => {
      const exec = argv.execCommand(settings, name, command);
      const result = await processes.run(exec, context);
      if (!isWhole(result)) throw new CommandError(exec, 'exit', result);
      return result;
    };
    const shouldRetry = (thrown: unknown): boolean => {
      if (!(thrown instanceof CommandError)) return false;
      if (neverStarted(thrown)) return NOT_YET.test(thrown.result.stderr);
      // A lost session has its own pauses below.
      return command.effect === 'read' && isCut(thrown) && !isLost(thrown);
    };
    try {
      const { signal } = context;
      const attempt = (): Promise<CommandResult> => retry(session, { clock, delays: EXEC_PAUSES, shouldRetry, signal });
      return withoutMarks(
        await retry(attempt, {
          clock,
          delays: command.effect === 'read' ? LOST_PAUSES : [],
          shouldRetry: (thrown) => thrown instanceof CommandError && isLost(thrown),
          signal,
        }),
      );
    } catch (thrown) {
      throw thrown instanceof CommandError ? asInner(thrown) : thrown;
    }
  };

  const addressOf = async (name: string, context: Context): Promise<string> => {
    const before = addresses.get(name);
    if (before !== undefined) return before;
    const own = (await list(context)).find((each) => each.name === name);
    const [address] = own?.addresses ?? [];
    if (own?.state !== 'running' || address === undefined) throw withoutAddress(name, own);
    addresses.set(name, address);
    return address;
  };

  /** Incus opens no session to a stopped machine, so it is started first. @throws CliError when it is gone */
  const reopen = async (name: string, context: Context): Promise<void> => {
    const own = (await list(context)).find((each) => each.name === name);
    if (own === undefined) throw withoutAddress(name, own);
    addresses.delete(name);
    if (own.state !== 'stopped') return;
    await start(name, context);
    await launcher.awaitAddress(name, context);
  };

  const known = createMachineCache({ system, place, runOn, addressOf, reopen });

  const forget = (name: string): void => {
    addresses.delete(name);
    known.forget(name);
  };

  /** Changes an existing instance; waits while the daemon is still busy with it. */
  const change = (command: Command, context: Context): Promise<CommandResult> =>
    retry(() => processes.run(command, context), {
      clock,
      delays: BUSY_PAUSES,
      signal: context.signal,
      shouldRetry: (thrown) => thrown instanceof CommandError && BUSY.test(thrown.result.stderr),
    });

  const erase = async (name: string, context: Context): Promise<void> => {
    forget(name);
    try {
      await change(argv.removeCommand(settings, name), context);
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      // `--force` does not suppress the error for an instance that does not exist.
      if (!isAbsence(thrown)) throw explain(thrown);
    }
  };

  const tryStart = async (name: string, context: Context): Promise<CommandError | undefined> => {
    try {
      await change(argv.startCommand(settings, name), context);
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      if (!/already running/.test(thrown.result.stderr)) return thrown;
    }
    return undefined;
  };

  const startWithoutModules: IncusLauncherParts['startWithoutModules'] = async (name, context) => {
    forget(name);
    context.say(`starting ${name} without loading kernel modules`);
    try {
      await change(argv.unsetCommand(settings, name, KERNEL_MODULES), context);
    } catch (thrown) {
      // The setting comes from a profile, not from the instance; the start shows whether that is a problem.
      if (!(thrown instanceof CommandError) || thrown.failure !== 'exit') throw thrown;
    }
    const failure = await tryStart(name, context);
    if (failure !== undefined) throw explain(failure);
  };

  const start = async (name: string, context: EngineContext): Promise<void> => {
    forget(name);
    context.say(`starting ${name}`);
    const failure = await tryStart(name, context);
    if (failure === undefined) return;
    if (!lacksModules(failure)) throw explain(failure);
    await startWithoutModules(name, context);
  };

  const nameConflictHint: MachineEngine['nameConflictHint'] = ({ name }) => {
    const { file, args } = argv.removeCommand(settings, name);
    const words = args.filter((each) => each !== '--quiet');
    return `delete that one instance with \`${[file, ...words].join(' ')}\``;
  };

  const launcher = createIncusLauncher({
    processes,
    clock,
    settings,
    lab,
    names,
    readiness: ready,
    list,
    erase,
    start,
    startWithoutModules,
    machine: known.machine,
    nameConflictHint,
    // The limit is that of the computer that runs Incus, and only the local one can be read.
    hostWarning: () => (settings.remote === undefined ? inotifyWarning(system.files) : Promise.resolve(undefined)),
  });

  return {
    name: 'incus',
    probe: async (context) => ({ version: (await ready(context)).server.version }),
    list,
    launch: async (spec, context) => {
      forget(spec.name);
      return launcher.launch(spec, context);
    },
    start: async (name, context) => {
      await start(name, context);
      await launcher.awaitAddress(name, context);
    },
    stop: async (name, context) => {
      forget(name);
      context.say(`stopping ${name}`);
      try {
        await change(argv.stopCommand(settings, name), context);
      } catch (thrown) {
        if (!(thrown instanceof CommandError)) throw thrown;
        if (!/already stopped/.test(thrown.result.stderr)) throw explain(thrown);
      }
    },
    remove: async (name, context) => {
      const found = (await list(context)).find((each) => each.name === name);
      if (found === undefined) {
        forget(name);
        return;
      }
      if (found.lab !== lab) throw foreignMachine(found, { nameConflictHint });
      context.say(`deleting ${name}`);
      await erase(name, context);
    },
    machine: known.machine,
    nameConflictHint,
    shellHint: (name, command) => shellHint(settings, name, command),
    restartHint: (name) => restartHint(settings, name),
    issues: INCUS_ISSUES,
    requirement: INCUS_REQUIREMENT,
  };
}

/** Whether a request did not reach the daemon, or is a read that it did not finish, e.g. while it restarts. */
function isAway({ command, result }: CommandError): boolean {
  return AWAY.test(result.stderr) || (command.effect === 'read' && DAEMON_ENDED.test(result.stderr));
}

/** The error text of every command when the daemon is not running (docs/facts/incus.md 9). */
const AWAY = /^Error: The incus daemon doesn't appear to be started/m;

/** The error text of every command for «not found»; the API uses it for profiles, networks and images as well. */
function isAbsence({ failure, result }: CommandError): boolean {
  return failure === 'exit' && /not found$/m.test(result.stderr);
}

function withoutAddress(name: string, info: MachineInfo | undefined): CliError {
  return new CliError('machine-failed', {
    message:
      info === undefined
        ? `There is no machine ${name}.`
        : info.state === 'running'
          ? `The machine ${name} runs, but has no address.`
          : `The machine ${name} is not running (${info.state}), so it has no address.`,
    hint: 'Run `istio-vms up`: it creates what is missing and starts what is stopped.',
  });
}
