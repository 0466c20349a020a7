import type { ProgramResult } from '../../world.ts';
import { UNIT_MODELS } from '../boot.ts';
import { digestOf } from '../../stand-in.ts';
import { guestEntry, guestText, writeGuest } from '../files.ts';
import { knownUnit, startUnit, stopUnit, type Guest } from '../systemd.ts';

/** A shipped script as it runs on a guest, as root. */
export interface ScriptCall extends Guest {
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  /** Paths that place.sh has just changed, for a script that was sent with them. */
  readonly changed?: readonly string[];
}

/** The model of one script in `data/guest`: same exit codes, same output, same effects. */
export type ScriptModel = (call: ScriptCall) => Promise<ProgramResult>;

/** The result of a script that failed through its own `fail` function. */
export function failed(script: string, exitCode: number, text: string): ProgramResult {
  return { exitCode, stderr: `${script}: ${text}\n` };
}

/** One digest over several files, with a missing one counted as empty; the scripts detect changes by it. */
export function stampOf({ instance }: Guest, paths: readonly string[]): string {
  return digestOf(paths.map((path) => digestOf(guestEntry(instance, path)?.content ?? '')).join('\n'));
}

/** What the start scripts share: enable, then start or restart, and remember what was started. */
export async function startAsStamped(
  call: ScriptCall,
  unit: string,
  stampPaths: readonly string[],
  options: { readonly wait: boolean; readonly unchanged?: () => string; readonly restart?: boolean },
): Promise<ProgramResult> {
  const { instance } = call;
  const stampFile = `/var/lib/istio-vms/started.${unit}`;
  const now = stampOf(call, stampPaths);
  const same = guestText(instance, stampFile)?.trim() === now;
  const known = knownUnit(instance, unit);
  if (known === undefined)
    return { exitCode: 1, stderr: `Failed to enable unit: Unit file ${unit}.service does not exist.\n` };
  known.enabled = true;
  CRASH_POINT: await call.world.crashPoints?.at(`${unit} on ${instance.name}: enabled, not started`);
  const runs = known.active === 'active' || known.active === 'activating';
  if (runs && same && options.restart !== true)
    return { exitCode: 0, stdout: `${options.unchanged?.() ?? 'unchanged'}\n` };
  const job = (async () => {
    if (runs) await stopUnit(call, unit, UNIT_MODELS);
    return startUnit(call, unit, UNIT_MODELS);
  })();
  if (options.wait && (await job) !== true) {
    return {
      exitCode: 1,
      stderr: `Job for ${unit}.service failed because the control process exited with error code.\n`,
    };
  }
  CRASH_POINT: await call.world.crashPoints?.at(`${unit} on ${instance.name}: started, not noted`);
  writeGuest(instance, stampFile, `${now}\n`);
  return { exitCode: 0, stdout: runs ? 'restarted\n' : 'started\n' };
}
