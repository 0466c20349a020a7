import type { Host } from '../system/system.ts';
import type { VersionTable } from './config.ts';
import type { VariableName } from './schema.ts';

/** Values whose own syntax is right; one that is wrong is not there, so that it is complained of once. */
export type ValidValues = Readonly<Partial<Record<VariableName, string>>>;

export interface RuleContext {
  readonly values: ValidValues;
  /** Which of them somebody has set. */
  readonly chosen: ReadonlySet<VariableName>;
  readonly host: Host;
  readonly versions: VersionTable;
  /** Directories whose names are not the user's doing: home, working directory, user's cache, that of run.env. */
  readonly bases: readonly string[];
}

/** A value that is wrong only in view of others. */
export interface Violation {
  readonly name: VariableName;
  readonly allowed: string;
}

/** Looks at more than one value; says nothing of a value that is not there. */
export type Rule = (context: RuleContext) => readonly Violation[];

/** Complains where two say the same: of the one that somebody chose, else of the later one. */
export function repeated<Name extends VariableName>(
  names: readonly Name[],
  read: (name: Name) => string | undefined,
  { chosen }: RuleContext,
): readonly Violation[] {
  return names.flatMap((later, index) =>
    names
      .slice(0, index)
      .filter((earlier) => read(earlier) !== undefined && read(earlier) === read(later))
      .map((earlier) => {
        const [name, other] = chosen.has(earlier) && !chosen.has(later) ? [earlier, later] : [later, earlier];
        return { name, allowed: `another value than that of ${other}` };
      }),
  );
}
