import { CommandError, type CommandFailure } from '../../system/command-error.ts';
import type { Clock, Command, Processes } from '../../system/system.ts';
import { tail } from '../../system/plain-text.ts';
import { commandListing } from '../command-listing.ts';

/** One recorded command. Times are milliseconds since 1970, on the clock of the run. Nothing in it is masked yet. */
export interface CommandRecord {
  /** The owner, e.g. `apply/istio`; absent when it belongs to no step or check. */
  readonly owner?: string;
  /** The command as text that can be pasted. */
  readonly text: string;
  /** The command that ran on a machine, without the engine's wrapping. */
  readonly onMachine?: { readonly name: string; readonly text: string };
  readonly effect: Command['effect'];
  readonly startedAt: number;
  readonly endedAt: number;
  /** Absent when it did not exit by itself. */
  readonly exitCode?: number;
  readonly failure?: CommandFailure;
  /** The last lines of its stderr, when it failed. */
  readonly stderr?: string;
}

export interface Message {
  readonly owner: string;
  readonly at: number;
  readonly text: string;
}

/** Records the commands and messages of a run, by owner. */
export interface RunRecord {
  readonly commands: readonly CommandRecord[];
  readonly messages: readonly Message[];
  /** The same interface; every command run through it is recorded. */
  readonly processes: Processes;
  /** Records a message of the owner. */
  readonly say: (owner: string, text: string) => void;
}

export interface RunRecordOptions {
  readonly processes: Processes;
  readonly clock: Pick<Clock, 'now'>;
  /** Text of a script that ships with the tool → its path. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** How many lines of stderr are kept. */
const STDERR_TAIL_LINES = 20;

/** Creates a record. The owner of a command is taken from its context. */
export function createRunRecord({ processes, clock, scripts }: RunRecordOptions): RunRecord {
  const commands: CommandRecord[] = [];
  const messages: Message[] = [];

  const listedInside = ([file = '', ...args]: readonly string[]): string =>
    commandListing([{ file, args, effect: 'read' }], scripts);

  const run: Processes['run'] = async (command, context) => {
    const by = context.owner;
    const startedAt = clock.now();
    const note = (ending: Pick<CommandRecord, 'exitCode' | 'failure' | 'stderr'>): void => {
      // Keeps the listing instead of the command, because payloads can be large.
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
    messages,
    processes: { run },
    say: (by, text) => void messages.push({ owner: by, at: clock.now(), text }),
  };
}

function endingOf({ command, failure, result }: CommandError): Pick<CommandRecord, 'exitCode' | 'failure' | 'stderr'> {
  // A secret output may also appear on stderr.
  const stderr = command.secretOutput === true ? '' : tail(result.stderr, STDERR_TAIL_LINES);
  return {
    failure,
    ...(failure === 'exit' ? { exitCode: result.exitCode } : {}),
    ...(stderr === '' ? {} : { stderr }),
  };
}
