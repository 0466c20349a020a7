/** A command in the log of a run, as `src/ui/log.ts` writes it. */
export interface LoggedCommand {
  readonly effect: string;
  /** First line of the command. */
  readonly text: string;
}

/** Commands in the log of a run, in order. */
export function loggedCommands(log: string): readonly LoggedCommand[] {
  return [...log.matchAll(/ #\d+ (read|write)(?: \(\S+\))? \$ (.*)$/gm)].map(([, effect = '', text = '']) => ({
    effect,
    text,
  }));
}

/** Commands of effect `write` in the log of a run. */
export const loggedWrites = (log: string): readonly string[] =>
  loggedCommands(log)
    .filter(({ effect }) => effect === 'write')
    .map(({ text }) => text);
