/** One `Exec…=` line. */
export interface UnitCommand {
  /** Prefix `+`: runs as root instead of the unit's user. */
  readonly privileged: boolean;
  readonly argv: readonly string[];
}

/** A parsed unit file, with the directives that the product uses. */
export interface Unit {
  readonly user: string;
  readonly group: string;
  readonly workingDirectory: string;
  readonly environment: readonly string[];
  /** Paths on the machine. */
  readonly environmentFiles: readonly string[];
  readonly startPre: readonly UnitCommand[];
  readonly start: UnitCommand;
  readonly startPost: readonly UnitCommand[];
  readonly stopPost: readonly UnitCommand[];
  readonly startMs: number;
  readonly stopMs: number;
  readonly restartMs: number;
}

/** Directives that have no effect without systemd. All other unknown directives are errors, so that none is ignored. */
const WITHOUT_MEANING = [
  ...['Description', 'Documentation', 'Wants', 'After', 'WantedBy', 'StartLimitIntervalSec', 'ProtectHome'],
  // Boot order, which places do not have.
  ...['DefaultDependencies', 'Requires', 'Conflicts', 'Before'],
  ...['AmbientCapabilities', 'CapabilityBoundingSet', 'LimitNOFILE'],
];
/** Directives that the stand-in for systemd supports only with this value. */
const FIXED: Readonly<Record<string, string>> = { Type: 'exec', KillMode: 'mixed', Restart: 'always' };
const DYNAMIC_USER = 'nobody';

/** Parses a unit file. @throws Error for a directive that the stand-in for systemd does not support */
export function parseUnit(text: string): Unit {
  const values = new Map<string, string[]>();
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    if (/^\s*([#;[]|$)/.test(line)) continue;
    const [, key = '', value = ''] = /^(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (FIXED[key] !== undefined && FIXED[key] !== value)
      throw new Error(`the stand-in for systemd knows ${key}=${FIXED[key]} only, not ${value}`);
    if (!KNOWN.has(key)) throw new Error(`the stand-in for systemd does not know: ${line}`);
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const last = (key: string): string | undefined => values.get(key)?.at(-1);
  const commands = (key: string): readonly UnitCommand[] => (values.get(key) ?? []).map(parseCommand);
  const [start] = commands('ExecStart');
  if (start === undefined) throw new Error('a unit without ExecStart');
  const user = last('DynamicUser') === 'yes' ? DYNAMIC_USER : (last('User') ?? 'root');
  return {
    user,
    group: last('Group') ?? (user === DYNAMIC_USER ? 'nogroup' : user),
    workingDirectory: last('WorkingDirectory') ?? '/',
    environment: values.get('Environment') ?? [],
    environmentFiles: values.get('EnvironmentFile') ?? [],
    startPre: commands('ExecStartPre'),
    start,
    startPost: commands('ExecStartPost'),
    stopPost: commands('ExecStopPost'),
    // systemd's own defaults.
    startMs: milliseconds(last('TimeoutStartSec') ?? '90s'),
    stopMs: milliseconds(last('TimeoutStopSec') ?? '90s'),
    restartMs: milliseconds(last('RestartSec') ?? '100ms'),
  };
}

const KNOWN = new Set([
  ...WITHOUT_MEANING,
  ...Object.keys(FIXED),
  ...['User', 'Group', 'DynamicUser', 'WorkingDirectory', 'Environment', 'EnvironmentFile'],
  ...['ExecStartPre', 'ExecStart', 'ExecStartPost', 'ExecStopPost', 'TimeoutStartSec', 'TimeoutStopSec', 'RestartSec'],
]);

function parseCommand(line: string): UnitCommand {
  const [, prefix = '', rest = ''] = /^([-@:+!]*)(.*)$/.exec(line) ?? [];
  if (!['', '+'].includes(prefix)) throw new Error(`the stand-in for systemd does not know the prefix ${prefix}`);
  if (/["'\\]/.test(rest)) throw new Error(`the stand-in for systemd reads no quotes: ${line}`);
  return { privileged: prefix === '+', argv: rest.split(/\s+/) };
}

function milliseconds(span: string): number {
  const [, number, unit] = /^(\d+)(ms|s|min)?$/.exec(span) ?? [];
  if (number === undefined) throw new Error(`not a time span that the stand-in for systemd reads: ${span}`);
  return Number(number) * ({ ms: 1, s: 1000, min: 60_000 }[unit ?? 's'] ?? 1000);
}
