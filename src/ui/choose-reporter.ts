export interface OutputOptions {
  readonly output?: 'text' | 'json' | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

export interface Surface {
  readonly stderrIsTTY: boolean;
  /** `NO_COLOR`, `FORCE_COLOR`, `CI` and `TERM` of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Choice {
  readonly kind: 'tree' | 'plain' | 'silent';
  readonly color: boolean;
}

/**
 * Chooses the progress display. Pure. `--output json` does not change it: the output goes to stdout and progress to
 * stderr, and a run of minutes without progress would seem to hang.
 */
export function chooseReporter(options: OutputOptions, surface: Surface): Choice {
  return { kind: kindOf(options, surface), color: hasColour(surface) };
}

function kindOf({ quiet, verbose }: OutputOptions, { stderrIsTTY, env }: Surface): Choice['kind'] {
  if (quiet === true) return 'silent';
  const moving = stderrIsTTY && verbose !== true && !isOn(env['CI']) && env['TERM'] !== 'dumb';
  return moving ? 'tree' : 'plain';
}

/** no-color.org: any non-empty value. It overrides FORCE_COLOR, because too much color can make text unreadable. */
function hasColour({ stderrIsTTY, env }: Surface): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced === '' || isOn(forced);
  return stderrIsTTY && env['TERM'] !== 'dumb';
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}
