import { CliError } from '../../errors/cli-error.ts';
import { CommandError } from '../../system/command-error.ts';
import type { Clock, Context, Processes } from '../../system/system.ts';
import { explain } from '../../system/explain.ts';
import { createDeadline } from '../../system/deadline.ts';
import { retry } from '../../system/retry.ts';
import { awaitCloudInit, type CloudInitWay } from '../cloud-init.ts';
import { foreignMachine } from '../ownership.ts';
import type { EngineContext, Launched, Machine, MachineInfo, MachineSpec } from '../machine.ts';
import { isLostSession } from '../session.ts';
import { launchCommand } from './argv.ts';
import { nameConflictHint, shellHint } from './host.ts';

/**
 * Right after boot or installation the daemon has no image data, or no socket yet (docs/facts/multipass.md 7 no. 15).
 */
const DAEMON_PAUSES = [5_000, 10_000, 20_000, 30_000, 30_000];
const NOT_YET = /Remote ".*" is unknown or unreachable|cannot connect to the multipass socket/i;
/** How long a machine that is still starting after a failed launch may take to run. */
const RECOVER_MS = 180_000;
const RECOVER_POLL_MS = 5_000;
/**
 * How long another client may take to launch a machine of this name; the image download is slow on a bad connection.
 */
const PREPARING_MS = 900_000;
const SSH_PAUSES = [5_000, 10_000, 20_000];

export interface LauncherParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly list: (context: Context) => Promise<readonly MachineInfo[]>;
  readonly info: (name: string, context: Context) => Promise<MachineInfo | undefined>;
  readonly remove: (name: string, context: Context) => Promise<void>;
  readonly machine: (name: string) => Machine;
}

/** The actual outcome of a launch. */
type Outcome = 'running' | 'lost' | 'absent';

export interface Launcher {
  launch(spec: MachineSpec, context: EngineContext): Promise<Launched>;
}

/** Launches machines. Handles launches that report a failure but succeed, and those that report success but fail. */
export function createLauncher({ processes, clock, list, info, remove, machine }: LauncherParts): Launcher {
  const tryOnce = async (
    spec: MachineSpec,
    context: EngineContext,
    again: () => void,
  ): Promise<CommandError | undefined> => {
    const { say, signal } = context;
    try {
      await retry(() => processes.run(launchCommand(spec), context), {
        clock,
        delays: DAEMON_PAUSES,
        shouldRetry: (thrown) => thrown instanceof CommandError && NOT_YET.test(thrown.result.stderr),
        onRetry: () => {
          again();
          say(`${spec.name}: Multipass is not ready yet, trying again`);
        },
        signal,
      });
      return undefined;
    } catch (thrown) {
      if (thrown instanceof CommandError) return thrown;
      throw thrown;
    }
  };

  /**
   * One try. Returns the failure, if one was reported; `again` is called for every launch after the first that the
   * daemon may have started. If another client is already preparing this name (of an earlier run that was killed, or a
   * foreign one), waits for its result and tries again.
   */
  const tryLaunch = async (
    spec: MachineSpec,
    context: EngineContext,
    again: () => void,
  ): Promise<CommandError | undefined> => {
    const deadline = createDeadline(clock, PREPARING_MS);
    let isReported = false;
    for (;;) {
      const failure = await tryOnce(spec, context, again);
      if (failure === undefined || !isPreparing(failure) || deadline.left() === 0) return failure;
      if (!isReported) context.say(`${spec.name}: Multipass is still preparing it`);
      isReported = true;
      await deadline.pause(RECOVER_POLL_MS, context.signal);
    }
  };

  /** A daemon that restarts is away for some seconds, which says nothing about the machine. */
  const patientInfo = (name: string, context: Context): Promise<MachineInfo | undefined> =>
    retry(() => info(name, context), {
      clock,
      delays: DAEMON_PAUSES,
      shouldRetry: (thrown) => thrown instanceof CliError && thrown.reason === 'engine-unavailable',
      signal: context.signal,
    });

  /** The outcome is checked instead of trusted; a machine that is still starting gets some more time. */
  const lookUp = async (name: string, context: EngineContext): Promise<Outcome> => {
    const { say, signal } = context;
    const deadline = createDeadline(clock, RECOVER_MS);
    for (;;) {
      const found = await patientInfo(name, context);
      if (found === undefined) return 'absent';
      if (found.state === 'running') return 'running';
      const onItsWay = found.state === 'starting' || found.state === 'unknown';
      if (!onItsWay || deadline.left() === 0) return 'lost';
      say(`${name}: launch reported a failure, but the machine is ${found.state}; waiting for it`);
      await deadline.pause(RECOVER_POLL_MS, signal);
    }
  };

  const cloudInitOn = (name: string, { say }: EngineContext): CloudInitWay => ({
    clock,
    pauses: SSH_PAUSES,
    isLost: isLostSession,
    onRetry: () => say(`${name}: the session was lost; retrying in a new one`),
    statusCommand: shellHint(name, 'cloud-init status --long'),
  });

  /**
   * Checks a machine that already has the name before the launch: afterwards it could not be told from what is left of
   * a launch that reports a time-out, and that may be removed. Returns whether the machine is up.
   */
  const adopt = async (found: MachineInfo, context: EngineContext): Promise<boolean> => {
    if (context.ours !== true) throw foreignMachine(found, { nameConflictHint });
    if (found.state === 'deleted') {
      await remove(found.name, context);
      return false;
    }
    context.say(`${found.name} already exists (${found.state})`);
    const outcome = await lookUp(found.name, context);
    if (outcome === 'lost') {
      // It may hold a cluster, so it is not deleted without a request, unless its first start never completed.
      if (context.unfinished !== true) throw stuck(found);
      context.say(`${found.name}: its first start was interrupted and does not continue; deleting it`);
      await remove(found.name, context);
    }
    return outcome === 'running';
  };

  const bringUp = async (spec: MachineSpec, context: EngineContext): Promise<Launched> => {
    const { name } = spec;
    let launches = 0;
    for (let attempt = 1; ; attempt++) {
      context.say(attempt === 1 ? `launching ${name}` : `retrying the launch of ${name}`);
      launches += 1;
      const failure = await tryLaunch(spec, context, () => (launches += 1));
      if (failure === undefined) return 'launched';
      const exists = failure.result.stderr.includes(`instance "${name}" already exists`);
      // The machine was created between our check and our launch. If we launched before, in this run or in an
      // interrupted one, it is the result of that launch.
      if (exists && launches === 1 && context.unfinished !== true) throw foreignMachine({ name }, { nameConflictHint });
      // A launch that Multipass refused leaves nothing behind, and a retry would be refused too.
      if (!exists && !ranOutOfTime(failure)) throw explain(failure);
      const outcome = await lookUp(name, context);
      if (outcome === 'running') return exists ? 'found' : 'launched';
      // Two failures are allowed, and one more try if the machine of an earlier launch was in the way.
      if (attempt === 3) throw exists ? stuck({ name, state: 'unknown' }) : explain(failure);
      if (attempt === 2 && !exists) throw explain(failure);
      context.say(`${name}: did not start; deleting it`);
      await remove(name, context);
    }
  };

  return {
    async launch(spec, context) {
      const found = (await list(context)).find((each) => each.name === spec.name);
      const launched = found !== undefined && (await adopt(found, context)) ? 'found' : await bringUp(spec, context);
      await awaitCloudInit(machine(spec.name), cloudInitOn(spec.name, context), context);
      return launched;
    },
  };
}

function isPreparing({ result }: CommandError): boolean {
  return /instance "[^"]+" is being prepared/.test(result.stderr);
}

function ranOutOfTime({ failure, result }: CommandError): boolean {
  return (
    failure === 'timed-out' || failure === 'killed' || result.exitCode === 5 || /timed out waiting/i.test(result.stderr)
  );
}

function stuck({ name, state }: Pick<MachineInfo, 'name' | 'state'>): CliError {
  return new CliError('machine-failed', {
    message: `The machine ${name} exists (${state}), but does not start.`,
    hint: `Run \`multipass stop --force ${name}\` and then re-run the same command; or recreate it with --recreate.`,
  });
}
