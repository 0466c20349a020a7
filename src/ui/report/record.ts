import { CommandError, type CommandFailure } from '../../system/command-error.ts';
import type { Clock, Command, Processes } from '../../system/system.ts';
import { tail } from '../../system/plain-text.ts';
import { commandListing } from '../command-listing.ts';

/** One command as it was. Times are milliseconds since 1970, on the clock of the run. Nothing in it is masked yet. */
export interface CommandRecord {
  /** On whose behalf it ran, e.g. `apply/istio`; absent when that was nobody in particular. */
  readonly owner?: string;
  /** As one would paste it. */
  readonly text: string;
  /** What it ran on a machine, without what wraps it on its way there. */
  readonly onMachine?: { readonly name: string; readonly text: string };
  readonly effect: Command['effect'];
  readonly startedAt: number;
  readonly endedAt: number;
  /** Absent when it did not end by itself. */
  readonly exitCode?: number;
  readonly failure?: CommandFailure;
  /** The last lines that it said on stderr, when it failed. */
  readonly stderr?: string;
}

export interface Message {
  readonly owner: string;
  readonly at: number;
  readonly text: string;
}

/** Remembers what a run does, and on whose behalf. */
export interface RunRecord {
  readonly commands: readonly CommandRecord[];
  readonly messages: readonly Message[];
  /** The same interface; every command through it is remembered. */
  readonly processes: Processes;
  /** Remembers a sentence of the owner's. */
  readonly say: (owner: string, text: string) => void;
}

export interface RunRecordOptions {
  readonly processes: Processes;
  readonly clock: Pick<Clock, 'now'>;
  /** Text of a script that ships with the tool → its path. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** Lines of stderr that are kept. */
const STDERR_TAIL_LINES = 20;

/** Begins a record. Whose a command is says the context that it runs with. */
export function createRunRecord({ processes, clock, scripts }: RunRecordOptions): RunRecord {
  const commands: CommandRecord[] = [];
  const sayings: Message[] = [];

  const listedInside = ([file = '', ...args]: readonly string[]): string =>
    commandListing([{ file, args, effect: 'read' }], scripts);

  const run: Processes['run'] = async (command, context) => {
    const by = context.owner;
    const startedAt = clock.now();
    const note = (ending: Pick<CommandRecord, 'exitCode' | 'failure' | 'stderr'>): void => {
      // The listing and not the command is kept: payloads can be large.
      const { effect, onMachine } = command;
      const text = commandListing([command], scripts);
      const endedAt = clock.now();
      commands.push({
        ...(by === undefined ? {} : { owner: by }),
        text,
        ...(onMachine === undefined ? {} : { onMachine: { name: onMachine.name, text: listedInside(onMachine.argv) } }),
        effect,
        startedAt,
        endedAt,
        ...ending,
      });
    };
    try {
      const result = await processes.run(command, context);
      note({ exitCode: result.exitCode });
      return result;
    } catch (thrown) {
      note(thrown instanceof CommandError ? endingOf(thrown) : {});
      throw thrown;
    }
  };

  return {
    commands,
    messages: sayings,
    processes: { run },
    say: (by, text) => void sayings.push({ owner: by, at: clock.now(), text }),
  };
}

function endingOf({ command, failure, result }: CommandError): Pick<CommandRecord, 'exitCode' | 'failure' | 'stderr'> {
  // What belongs to a secret answer may stand on either stream.
  const stderr = command.secretOutput === true ? '' : tail(result.stderr, STDERR_TAIL_LINES);
  return {
    failure,
    ...(failure === 'exit' ? { exitCode: result.exitCode } : {}),
    ...(stderr === '' ? {} : { stderr }),
  };
}
