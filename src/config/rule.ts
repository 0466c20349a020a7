import type { Host } from '../system/system.ts';
import type { VersionTable } from './config.ts';
import type { VariableName } from './schema.ts';

/** Values with valid syntax; a value with invalid syntax is absent, so that it is reported only once. */
export type ValidValues = Readonly<Partial<Record<VariableName, string>>>;

export interface RuleContext {
  readonly values: ValidValues;
  /** Variables that were set explicitly. */
  readonly chosen: ReadonlySet<VariableName>;
  readonly host: Host;
  readonly versions: VersionTable;
  /** Directories whose names the user did not choose: home, working directory, user cache, the directory of run.env. */
  readonly bases: readonly string[];
}

/** A value that conflicts with other values. */
export interface Violation {
  readonly name: VariableName;
  readonly allowed: string;
}

/** Checks several values together; ignores absent ones. */
export type Rule = (context: RuleContext) => readonly Violation[];

/** Reports values that occur twice: at the variable that was set explicitly, else at the later one. */
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
        return { name, allowed: `a value different from that of ${other}` };
      }),
  );
}
