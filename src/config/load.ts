import { basename, dirname } from 'node:path/posix';
import { CliError } from '../errors/cli-error.ts';
import type { Host } from '../system/system.ts';
import type { ConfigProblem, ConfigValue, LoadedConfig, VersionTable } from './config.ts';
import { deriveConfig } from './derive.ts';
import { absolutePath, isWithin, userCache } from './paths.ts';
import { readRunEnv, type RunEnvFile, type RunEnvReading } from './run-env.ts';
import type { ValidValues } from './rule.ts';
import { RULES } from './rules.ts';
import { isVariableName, SCHEMA, variable, VARIABLE_NAMES, type VariableName } from './schema.ts';
import { resolveDefaults, type Values } from './resolve-defaults.ts';
import { nearestVariable } from './typo.ts';
import { nearestKnownMinor, supportedRange } from './versions.ts';
import { printable } from './printable.ts';

export interface ConfigInput {
  readonly host: Host;
  readonly runEnv?: RunEnvFile;
  /** By variable name, e.g. `WORKERS`. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly versions: VersionTable;
}

/**
 * Loads the configuration from flags, environment, run.env and defaults, in this order of precedence.
 *
 * KUBECONFIG is the exception. In the environment it usually names the user's own file, and istio-vms overwrites its
 * kubeconfig; so it counts there only when it lies inside DATA_DIR (as after `eval "$(istio-vms env)"`). A flag or
 * run.env may set it.
 * @throws CliError `invalid-configuration` with every problem, one per line.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const { host, versions, flags = {}, runEnv } = input;
  const fromEnvironment = (name: VariableName) => (name === 'KUBECONFIG' ? undefined : host.env[name] || undefined);
  const over = (name: VariableName) => flags[name] ?? fromEnvironment(name);
  const reading: RunEnvReading =
    runEnv === undefined
      ? { values: {}, problems: [], warnings: [] }
      : readRunEnv(runEnv, { over, environment: (name) => host.env[name] });

  const find = (name: VariableName): ConfigValue => {
    const [flag, environment, file] = [flags[name], fromEnvironment(name), reading.values[name]];
    if (flag !== undefined) return { name, value: flag, origin: 'flag' };
    if (environment !== undefined) return { name, value: environment, origin: 'environment' };
    if (file !== undefined) return { name, value: file.value, origin: 'run.env', line: file.line };
    return { name, value: SCHEMA[name].default, origin: 'default' };
  };
  const found = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, find(name)])) as Record<
    VariableName,
    ConfigValue
  >;
  const kubeconfig = kubeconfigOfEnvironment(host, found.DATA_DIR.value);
  if (kubeconfig.ours !== undefined && flags['KUBECONFIG'] === undefined) {
    found.KUBECONFIG = { name: 'KUBECONFIG', value: kubeconfig.ours, origin: 'environment' };
  }

  const values = resolveDefaults(found, host, versions);
  const bases = [host.cwd, host.home, userCache(host), ...(runEnv === undefined ? [] : [dirname(runEnv.path)])];
  const problems = [
    ...unknownFlags(flags),
    ...reading.problems,
    ...findProblems(values, new Set(reading.problems.map(({ name }) => name)), { host, versions, bases }),
  ];
  if (problems.length > 0) throw badConfiguration(problems, basename(runEnv?.path ?? 'run.env'));

  const config = deriveConfig(values, host, versions);
  const warnings = [...reading.warnings];
  if (kubeconfig.foreign !== undefined && absolutePath(kubeconfig.foreign, host) !== config.paths.kubeconfig) {
    warnings.push(
      `KUBECONFIG of the environment (${printable(kubeconfig.foreign)}) is ignored; the lab has its own: ${config.paths.kubeconfig}`,
    );
  }
  const { version, minor, endOfLife } = config.istio;
  const borrowed = nearestKnownMinor(version, versions);
  if (borrowed !== undefined) {
    warnings.push(
      `Istio ${version} is newer than the versions that istio-vms supports (${supportedRange(versions)}); it is treated like ${borrowed}.`,
    );
  }
  return {
    config,
    values: VARIABLE_NAMES.map((name) => values[name]),
    warnings,
    ...(endOfLife === undefined
      ? {}
      : { endOfLife: `Istio ${minor} is end-of-life; the newest tested version is ${endOfLife.newestTested}.` }),
  };
}

/** Validates each value on its own, then the valid values together. */
function findProblems(
  values: Values,
  unread: ReadonlySet<string>,
  around: { host: Host; versions: VersionTable; bases: readonly string[] },
): readonly ConfigProblem[] {
  const sound: { -readonly [Name in keyof ValidValues]: ValidValues[Name] } = {};
  const problems: ConfigProblem[] = [];
  const chosen = new Set(VARIABLE_NAMES.filter((name) => !['default', 'derived'].includes(values[name].origin)));
  for (const name of VARIABLE_NAMES) {
    const { value } = values[name];
    if (unread.has(name)) continue;
    if (value === '' && SCHEMA[name].default === '') continue;
    const checked = variable(name).syntax.safeParse(value);
    if (checked.success) sound[name] = value;
    else problems.push({ ...values[name], allowed: checked.error.issues[0]?.message ?? 'something else' });
  }
  for (const rule of RULES) {
    for (const { name, allowed } of rule({ values: sound, chosen, ...around }))
      problems.push({ ...values[name], allowed });
  }
  // A value derived from a wrong value is wrong too; only the cause needs to be fixed.
  const causes = problems.filter(({ origin }) => origin !== 'derived');
  return causes.length > 0 ? causes : problems;
}

function kubeconfigOfEnvironment(host: Host, dataDir: string): { readonly ours?: string; readonly foreign?: string } {
  const value = host.env['KUBECONFIG'];
  if (value === undefined || value === '') return {};
  const data = absolutePath(dataDir, host);
  const path = absolutePath(value, host);
  return !value.includes(':') && path !== data && isWithin(path, data) ? { ours: value } : { foreign: value };
}

function unknownFlags(flags: Readonly<Record<string, string>>): readonly ConfigProblem[] {
  return Object.entries(flags)
    .filter(([name]) => !isVariableName(name))
    .map(([name, value]) => {
      const meant = nearestVariable(name);
      const allowed = `a variable of the configuration${meant === undefined ? '' : `; perhaps ${meant} was meant`}`;
      return { name, value, origin: 'flag', allowed };
    });
}

function badConfiguration(problems: readonly ConfigProblem[], fileName: string): CliError {
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
  return new CliError('invalid-configuration', {
    message: `Invalid configuration: ${count}; nothing was changed.`,
    hint: 'See run.env.example for all variables, their defaults and meanings.',
    details: problems.map((problem) => problemLine(problem, fileName)),
  });
}

/** One line: variable, value, origin, and what is expected. */
function problemLine({ name, value, origin, line, allowed }: ConfigProblem, fileName: string): string {
  const place = origin === 'run.env' && line !== undefined ? `${fileName} line ${line}` : origin;
  return `${printable(name)}: "${printable(value)}" (${place}); expected ${allowed}.`;
}
