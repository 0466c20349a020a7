import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ExitCode } from './errors/reasons.ts';
import type { GlobalOptions, Invocation } from './invocation.ts';

/** Every command is loaded only when it is run, so that `--help` starts fast. */
export type Load = () => Promise<
  (invocation: Invocation, options: GlobalOptions, args: readonly string[]) => Promise<ExitCode>
>;

export interface CommandSpec {
  readonly name: string;
  readonly group: 'Lab:' | 'Steps, in order:' | 'Inspect:';
  readonly summary: string;
  readonly load: Load;
  readonly extend?: (command: Command) => void;
  /** The command is read-only and does not take the lock. */
  readonly readOnly?: true;
  /** Lines below the options. */
  readonly examples?: readonly string[];
}

/** Adds the options of a command that can also delete what it creates. */
export const deletable = (command: Command): void => {
  command.addOption(new Option('--delete', 'delete it; only what istio-vms created').conflicts('recreate'));
  command.addOption(new Option('--recreate', 'delete it and create it again'));
};

/** An option that may be repeated: all of its values, in order. */
export const repeatable = (flags: string, description: string, choices: readonly string[] = []): Option =>
  new Option(flags, description).default([]).argParser((value: string, before: readonly string[]) => {
    if (choices.length > 0 && !choices.includes(value)) {
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    }
    return [...before, value];
  });
