import { withoutMarks } from '../../src/machines/incus/session.ts';
import { withFour } from '../../src/machines/multipass/argv.ts';
import { withoutMark } from '../../src/machines/multipass/session.ts';
import type { Command, CommandResult, Processes } from '../../src/system/system.ts';
import { CommandError } from '../../src/system/command-error.ts';

/** A command without the names, addresses and times in it: `kubectl get nodes …`, `guest sudo sh state.sh …`. */
export interface CommandForm {
  /** `kubectl`, `istioctl`, `incus`, `multipass`; `guest` for a command that runs on a machine, with either engine. */
  readonly program: string;
  readonly words: readonly string[];
}

/** A command and its result. */
export interface Answer {
  readonly command: Command;
  readonly result: CommandResult;
}

const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;

/** @param scripts scripts of `data/guest` by name; the text of a script is replaced with its name */
export function formOf(command: Command, scripts: Readonly<Record<string, string>>): CommandForm {
  const { file, args, onMachine } = command;
  if (onMachine !== undefined) {
    const words = onMachine.argv.map((word) => simplified(word, scripts));
    const script = scriptIn(command.stdin, scripts);
    return { program: 'guest', words: script === undefined ? words : [...words, `+ ${script}`] };
  }
  const program = file.slice(file.lastIndexOf('/') + 1).replace(/^istioctl-.*/, 'istioctl');
  // Only the file name of a path is kept, since its directory depends on the lab; API paths of Incus are kept.
  const withoutDirectory = (word: string): string => (program === 'incus' ? word : word.replace(/^\/.*\//, ''));
  return { program, words: withoutTarget(args).map((word) => simplified(withoutDirectory(word), scripts)) };
}

/** The form as text, which is also the key of the recorded answers of this form. */
export const formText = ({ program, words }: CommandForm): string => [program, ...words].join(' ');

/** Reports every command that ended by itself, with its result. */
export function listening(processes: Processes, onAnswer: (answer: Answer) => void): Processes {
  return {
    ...processes,
    run: async (command, signal) => {
      try {
        const result = await processes.run(command, signal);
        onAnswer({ command, result });
        return result;
      } catch (thrown) {
        if (thrown instanceof CommandError && thrown.failure === 'exit') onAnswer({ command, result: thrown.result });
        throw thrown;
      }
    },
  };
}

/** The output of the command on the machine, without the marks that the session of an engine adds. */
export function ownOutput({ command, result }: Answer): Pick<CommandResult, 'stdout' | 'stderr'> {
  if (command.onMachine === undefined) return result;
  return command.file === 'incus' ? withoutMarks(result) : withFour(withoutMark(result));
}

function simplified(word: string, scripts: Readonly<Record<string, string>>): string {
  const [script] = Object.entries(scripts).find(([, text]) => text === word) ?? [];
  if (script !== undefined) return script;
  if (word.includes('\n')) return 'SCRIPT';
  return word.replace(ADDRESS, 'ADDRESS').replace(/^(--timeout=)\d+/, '$1N');
}

/** Removes kubeconfig and context, which depend on the lab. */
function withoutTarget(args: readonly string[]): readonly string[] {
  return args.filter((word, index) => !isTarget(word) && !isTarget(args[index - 1] ?? ''));
}

const isTarget = (word: string): boolean => word === '--kubeconfig' || word === '--context';

/** The script that runs after files are placed (src/machines/put.ts). */
function scriptIn(stdin: Command['stdin'], scripts: Readonly<Record<string, string>>): string | undefined {
  if (typeof stdin !== 'object' || !('tar' in stdin)) return undefined;
  const script = stdin.tar.find(({ name }) => name === 'then.sh')?.content;
  return Object.entries(scripts).find(([, text]) => text === script)?.[0];
}
