import type { Step } from '../../../src/plan/step.ts';
import type { Command, Context, System } from '../../../src/system/system.ts';
import type { Lab } from '../../../src/steps/lab.ts';

/** Plants a bug into the system interfaces or the steps of the program, without changing its sources. */
export interface Plant {
  readonly system?: (system: System) => System;
  readonly steps?: (steps: readonly Step[], lab: Lab) => readonly Step[];
}

/** Replaces the step of this id. @throws Error when there is none, because the mutant would plant nothing */
export const inStep =
  (id: string, change: (step: Step, lab: Lab) => Step): NonNullable<Plant['steps']> =>
  (steps, lab) => {
    if (!steps.some((step) => step.id === id)) throw new Error(`there is no step ${id}`);
    return steps.map((step) => (step.id === id ? change(step, lab) : step));
  };

/** Runs something else for every command that `isMatch` matches. */
export const inCommand =
  (
    isMatch: (command: Command) => boolean,
    run: (command: Command, system: System, context: Context) => ReturnType<System['processes']['run']>,
  ) =>
  (system: System): System => ({
    ...system,
    processes: {
      run: (command, context) =>
        isMatch(command) ? run(command, system, context) : system.processes.run(command, context),
    },
  });

export const inFiles =
  (change: (files: System['files']) => Partial<System['files']>) =>
  (system: System): System => ({ ...system, files: { ...system.files, ...change(system.files) } });

/** `multipass VERB …` */
export const multipass =
  (...words: readonly string[]) =>
  ({ file, args }: Command): boolean =>
    file === 'multipass' && words.every((word) => args.includes(word));
