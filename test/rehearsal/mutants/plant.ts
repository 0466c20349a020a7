import type { Step } from '../../../src/plan/step.ts';
import type { Command, Doors } from '../../../src/system/doors.ts';
import type { Lab } from '../../../src/steps/lab.ts';

/** Puts a bug into the program: into the doors it uses, or into its steps. The real sources stay as they are. */
export interface Plant {
  readonly doors?: (doors: Doors) => Doors;
  readonly steps?: (steps: readonly Step[], lab: Lab) => readonly Step[];
}

/** Another step in place of the one of this id. @throws Error when there is none: the mutant would plant nothing */
export const inStep =
  (id: string, change: (step: Step, lab: Lab) => Step): NonNullable<Plant['steps']> =>
  (steps, lab) => {
    if (!steps.some((step) => step.id === id)) throw new Error(`there is no step ${id}`);
    return steps.map((step) => (step.id === id ? change(step, lab) : step));
  };

/** Something beside or instead of every command that this is about. */
export const inCommand =
  (
    isIt: (command: Command) => boolean,
    run: (command: Command, doors: Doors, signal?: AbortSignal) => ReturnType<Doors['processes']['run']>,
  ) =>
  (doors: Doors): Doors => ({
    ...doors,
    processes: {
      run: (command, signal) => (isIt(command) ? run(command, doors, signal) : doors.processes.run(command, signal)),
    },
  });

export const inFiles =
  (change: (files: Doors['files']) => Partial<Doors['files']>) =>
  (doors: Doors): Doors => ({ ...doors, files: { ...doors.files, ...change(doors.files) } });

/** `multipass VERB …` */
export const multipass =
  (...words: readonly string[]) =>
  ({ file, args }: Command): boolean =>
    file === 'multipass' && words.every((word) => args.includes(word));
