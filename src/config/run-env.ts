import { basename, dirname } from 'node:path/posix';
import type { ConfigProblem } from './config.ts';
import { isVariableName, SCHEMA, type VariableName } from './schema.ts';
import { readShellFile, type Assignment, type ShellFile } from './shell-file.ts';
import type { Part } from './shell-words.ts';
import { nearestVariable } from './typo.ts';

export interface RunEnvFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

interface RunEnvValue {
  readonly value: string;
  readonly line: number;
}

export interface RunEnvReading {
  readonly values: Partial<Record<VariableName, RunEnvValue>>;
  /** Values that need a shell to evaluate. */
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** What a reference may use from outside the file. */
export interface OutsideValues {
  /** A value from a flag or the environment, which overrides the file. */
  readonly over: (name: VariableName) => string | undefined;
  /** Any other environment variable, e.g. `HOME`. */
  readonly environment: (name: string) => string | undefined;
}

/** A value, or why it cannot be evaluated. */
type Evaluated = { readonly text: string } | { readonly shell: string } | { readonly unset: string };

/**
 * Reads run.env (or another file) as data and never executes it. Its variables may refer to earlier ones in the file.
 */
export function readRunEnv(file: RunEnvFile, around: OutsideValues): RunEnvReading {
  const shell = readShellFile(file.text);
  const fileName = basename(file.path);
  const scope = new Map<string, Evaluated>();
  const values = new Map<VariableName, RunEnvValue>();
  const problems: ConfigProblem[] = [];
  for (const assignment of shell.assignments) {
    const { name, line } = assignment;
    const found = evaluate(assignment.parts, (wanted) => lookup(wanted, scope, around), dirname(file.path));
    scope.set(name, found);
    if (!isVariableName(name)) continue;
    values.delete(name);
    if ('text' in found) {
      // Empty counts as unset, as with `:-`.
      if (found.text !== '') values.set(name, { value: found.text, line });
    } else if (name !== 'ISTIO_REVISION' || 'unset' in found) {
      if (around.over(name) === undefined) problems.push(problem(assignment, found));
    } else {
      // The original project computes the revision from the version with `tr`; istio-vms derives it itself.
      scope.delete(name);
    }
  }
  if (shell.unclosedLine !== undefined) problems.push(unclosed(fileName, shell.unclosedLine));
  return {
    values: Object.fromEntries(values),
    problems,
    warnings: [...shellWarning(fileName, shell), ...typoWarning(fileName, shell.assignments)],
  };
}

function lookup(name: string, scope: ReadonlyMap<string, Evaluated>, around: OutsideValues): Evaluated | undefined {
  const over = isVariableName(name) ? around.over(name) : undefined;
  if (over !== undefined) return { text: over };
  const inFile = scope.get(name);
  if (inFile !== undefined || isVariableName(name)) return inFile;
  const outside = around.environment(name);
  return outside === undefined ? undefined : { text: outside };
}

function evaluate(parts: readonly Part[], find: (name: string) => Evaluated | undefined, base: string): Evaluated {
  let text = '';
  for (const part of parts) {
    const found = evaluatePart(part, find, base);
    if (!('text' in found)) return found;
    text += found.text;
  }
  return { text };
}

function evaluatePart(part: Part, find: (name: string) => Evaluated | undefined, base: string): Evaluated {
  if (part.kind === 'text') return part;
  if (part.kind === 'other') return { shell: part.source };
  if (part.kind === 'command') return isBaseDirectory(part.source) ? { text: base } : { shell: `$(${part.source})` };
  const found = find(part.name);
  const { fallback } = part;
  if (fallback !== undefined) {
    const stands = found !== undefined && !(fallback.operator === ':-' && 'text' in found && found.text === '');
    return stands ? found : evaluate(fallback.parts, find, base);
  }
  if (found !== undefined) return found;
  const ours = isVariableName(part.name) ? SCHEMA[part.name].default : '';
  return ours === '' ? { unset: part.name } : { text: ours };
}

/** The common expression for the file's own directory: `$( cd "$( dirname "${BASH_SOURCE[0]}" )" && pwd )`. */
function isBaseDirectory(source: string): boolean {
  const dense = source.replace(/[\s"]/g, '');
  const dir = String.raw`dirname(--)?\$(\{BASH_SOURCE(\[0\])?\}|BASH_SOURCE|\{0\}|0)`;
  return new RegExp(String.raw`^(${dir}|cd(-P)?(--)?\$\(${dir}\)(>/dev/null(2>&1)?)?(&&|;)pwd(-P)?)$`).test(dense);
}

function problem({ name, line, source }: Assignment, found: Exclude<Evaluated, { text: string }>): ConfigProblem {
  const allowed =
    'unset' in found
      ? `a value; ${found.unset} is not set, so write the value itself, or \${${found.unset}:-a default}`
      : name === 'KUBECONFIG' || name.endsWith('_DIR')
        ? 'a path; the file is never executed, so write the path itself (a relative one begins in the working directory)'
        : 'a plain value; the file is never executed, so write what the command would have printed';
  return { name, value: source, origin: 'run.env', line, allowed };
}

function unclosed(fileName: string, line: number): ConfigProblem {
  return {
    name: fileName,
    value: `line ${line}`,
    origin: 'run.env',
    line,
    allowed: 'a closing quote or bracket for the one that is opened here',
  };
}

function shellWarning(fileName: string, { otherLines, otherNames }: ShellFile): readonly string[] {
  if (otherLines.length === 0) return [];
  const names = otherNames.filter(isVariableName);
  const [noun, verb] = otherLines.length === 1 ? ['line', 'is'] : ['lines', 'are'];
  const lost = names.length === 0 ? '' : `; their values for ${names.join(', ')} are ignored`;
  return [`${fileName}: ${noun} ${ranges(otherLines)} ${verb} shell and not executed${lost}.`];
}

function typoWarning(fileName: string, assignments: readonly Assignment[]): readonly string[] {
  const slips = assignments.flatMap(({ name, line }) => {
    const meant = isVariableName(name) ? undefined : nearestVariable(name);
    return meant === undefined ? [] : [`${name} (line ${line}) looks like ${meant}`];
  });
  return slips.length === 0 ? [] : [`${fileName}: ${slips.join(', ')}; unknown variables are ignored.`];
}

/** `3, 5-7` */
function ranges(lines: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else runs.push([line, line]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
