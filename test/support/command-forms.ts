import { withoutMarks } from '../../src/machines/incus/session.ts';
import { withFour } from '../../src/machines/multipass/argv.ts';
import { withoutMark } from '../../src/machines/multipass/session.ts';
import type { Command, CommandResult, Processes } from '../../src/system/system.ts';
import { CommandError } from '../../src/system/command-error.ts';

/** What a command is, whatever the names, addresses and times in it: `kubectl get nodes …`, `guest sudo sh state.sh …`. */
export interface CommandForm {
  /** `kubectl`, `istioctl`, `incus`, `multipass`; `guest` for what runs on a machine through either engine. */
  readonly program: string;
  readonly words: readonly string[];
}

/** One command and how it ended. */
export interface Answer {
  readonly command: Command;
  readonly result: CommandResult;
}

const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;

/** @param scripts of `data/guest` by name: their text becomes the name */
export function formOf(command: Command, scripts: Readonly<Record<string, string>>): CommandForm {
  const { file, args, onMachine } = command;
  if (onMachine !== undefined) {
    const words = onMachine.argv.map((word) => simplified(word, scripts));
    const then = scriptIn(command.stdin, scripts);
    return { program: 'guest', words: then === undefined ? words : [...words, `+ ${then}`] };
  }
  const program = file.slice(file.lastIndexOf('/') + 1).replace(/^istioctl-.*/, 'istioctl');
  // Paths of this computer are the lab's own; what Incus is asked for only looks like one.
  const own = (word: string): string => (program === 'incus' ? word : word.replace(/^\/.*\//, ''));
  return { program, words: withoutTarget(args).map((word) => simplified(own(word), scripts)) };
}

/** As text, and the key under which answers of the same form are kept. */
export const formText = ({ program, words }: CommandForm): string => [program, ...words].join(' ');

/** Hears every command that ended by itself, with its answer. */
export function listening(processes: Processes, hear: (answer: Answer) => void): Processes {
  return {
    ...processes,
    run: async (command, signal) => {
      try {
        const result = await processes.run(command, signal);
        hear({ command, result });
        return result;
      } catch (thrown) {
        if (thrown instanceof CommandError && thrown.failure === 'exit') hear({ command, result: thrown.result });
        throw thrown;
      }
    },
  };
}

/** What the command on the machine wrote, without the marks that an engine's session puts around it. */
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

/** kubeconfig and context are the lab's. */
function withoutTarget(args: readonly string[]): readonly string[] {
  return args.filter((word, index) => !isTarget(word) && !isTarget(args[index - 1] ?? ''));
}

const isTarget = (word: string): boolean => word === '--kubeconfig' || word === '--context';

/** The script that goes along with files (src/machines/put.ts). */
function scriptIn(stdin: Command['stdin'], scripts: Readonly<Record<string, string>>): string | undefined {
  if (typeof stdin !== 'object' || !('tar' in stdin)) return undefined;
  const then = stdin.tar.find(({ name }) => name === 'then.sh')?.content;
  return Object.entries(scripts).find(([, text]) => text === then)?.[0];
}
