import { posix } from 'node:path';
import { GUEST_COMMAND } from '../durations.ts';
import type { Instance, Mesh, Unit, World } from '../world.ts';
import { execLine, findUnitFile, startProblem, type UnitFile } from './unit-file.ts';

/** A guest machine with the world and the mesh around it. */
export interface Guest {
  readonly world: World;
  readonly mesh: Mesh;
  readonly instance: Instance;
}

/** One run of a unit's processes. All waiting goes through it, so that a stop or a reboot ends the run there. */
export interface UnitRun extends Guest {
  readonly name: string;
  readonly unit: Unit;
  readonly file: UnitFile;
  /** Logs a line of the unit's own processes; `as` names the process that wrote it, if not the main program. */
  log(text: string, as?: string): void;
  /** @throws RunOver when the unit was stopped meanwhile. */
  sleep(ms: number): Promise<void>;
  /** Marks the unit as started. */
  active(): void;
}

/** A line of the journal with the fields by which `journalctl --output json` distinguishes lines. */
export interface JournalLine {
  readonly message: string;
  readonly identifier: string;
  /** One start of the unit. */
  readonly invocation: string;
}

export interface UnitModel {
  /** Runs the unit's processes; it may return while they go on. @throws UnitExit when they fail. */
  readonly run: (run: UnitRun) => Promise<void>;
  /** Stops the unit; returns how long that takes, in milliseconds. */
  readonly stop?: (guest: Guest) => number;
}

/** A process of the unit exited with this status; its last message is in the journal. */
export class UnitExit extends Error {
  readonly status: number;
  /** The process, if not the main program. */
  readonly by: string | undefined;
  constructor(status: number, message: string, by?: string) {
    super(message);
    this.status = status;
    this.by = by;
  }
}

/** The run was ended from outside. */
class RunOver extends Error {}

interface Runtime {
  run: symbol | undefined;
  /** Resolves to whether the start job succeeded. */
  job: Promise<boolean>;
  status: number;
  result: 'success' | 'exit-code' | 'resources';
  invocation: string;
  readonly lines: JournalLine[];
}

const runtimes = new WeakMap<Unit, Runtime>();
const JOURNAL_KEPT = 200;

/** The unit's record, created on first use; undefined when there is no unit file. */
export function knownUnit(instance: Instance, name: string): Unit | undefined {
  const known = instance.units.get(name);
  if (known !== undefined || findUnitFile(instance, name) === undefined) return known;
  const unit: Unit = { enabled: false, active: 'inactive', since: 0, restarts: 0, journal: [] };
  instance.units.set(name, unit);
  return unit;
}

function runtimeOf(unit: Unit): Runtime {
  const known = runtimes.get(unit);
  if (known !== undefined) return known;
  const fresh: Runtime = {
    run: undefined,
    job: Promise.resolve(true),
    status: 0,
    result: 'success',
    invocation: '',
    lines: [],
  };
  runtimes.set(unit, fresh);
  return fresh;
}

/**
 * Starts a unit; does nothing for one that is starting or active. Resolves when the start job is over: to true, to
 * false when the first try failed; to undefined when there is no such unit.
 */
export async function startUnit(guest: Guest, name: string, models: UnitModels): Promise<boolean | undefined> {
  const { instance, world } = guest;
  const file = findUnitFile(instance, name);
  const unit = knownUnit(instance, name);
  if (file === undefined || unit === undefined) return undefined;
  // A script that was running when the machine went down starts nothing any more.
  if (instance.state !== 'Running') return false;
  const runtime = runtimeOf(unit);
  if (unit.active === 'active') return true;
  if (runtime.run !== undefined) return runtime.job;
  const token = Symbol(name);
  runtime.run = token;
  unit.since = world.clock.now();
  const program = execLine(file.get('Service.ExecStart') ?? name);
  const log = (text: string, as = posix.basename(program.program)): void => {
    if (unit.journal.at(-1)?.endsWith(`: ${text}`) === true) return;
    unit.journal.push(`${stamp(world.clock.now())} ${instance.name} ${as}: ${text}`);
    runtime.lines.push({ message: text, identifier: as, invocation: runtime.invocation });
    if (unit.journal.length > JOURNAL_KEPT) unit.journal.shift();
    if (runtime.lines.length > JOURNAL_KEPT) runtime.lines.shift();
  };
  runtime.job = new Promise((resolve) => {
    const run: UnitRun = {
      ...guest,
      name,
      unit,
      file,
      log,
      sleep: async (ms) => {
        await world.clock.sleep(ms);
        if (runtime.run !== token) throw new RunOver();
      },
      active: () => {
        setActive(unit, 'active', world);
        resolve(true);
      },
    };
    // The job ends with the first failure, though systemd may retry.
    void live(run, runtime, models[name] ?? plainModel, () => resolve(false)).then(() =>
      resolve(unit.active === 'active'),
    );
  });
  return runtime.job;
}

/** Runs the unit's processes, and restarts them when the unit file says so. */
async function live(run: UnitRun, runtime: Runtime, model: UnitModel, failed: () => void): Promise<void> {
  const { unit, world, file } = run;
  for (;;) {
    try {
      setActive(unit, 'activating', world);
      runtime.invocation = world.token(16);
      run.log(`Starting ${run.name}.service - ${file.get('Unit.Description') ?? run.name}...`, 'systemd');
      await run.sleep(GUEST_COMMAND);
      const problem = startProblem(run.instance, run.name, file);
      if (problem !== undefined) {
        runtime.result = problem.result;
        throw new UnitExit(problem.status, problem.text);
      }
      runtime.result = 'success';
      await model.run(run);
      return;
    } catch (error) {
      if (error instanceof RunOver) return;
      if (!(error instanceof UnitExit)) throw error;
      if (error.message !== '') run.log(error.message, error.by);
      run.log(`${run.name}.service: Failed with result 'exit-code'.`, 'systemd');
      run.log(`Failed to start ${run.name}.service - ${file.get('Unit.Description') ?? run.name}.`, 'systemd');
      failed();
      runtime.status = error.status;
      if (runtime.result === 'success') runtime.result = 'exit-code';
      if (!/^(always|on-failure)$/.test(file.get('Service.Restart') ?? 'no')) {
        runtime.run = undefined;
        setActive(unit, 'failed', world);
        return;
      }
      unit.restarts++;
      setActive(unit, 'activating', world);
      const pause = world.clock.sleep(seconds(file.get('Service.RestartSec')) * 1000);
      const mine = runtime.run;
      await pause;
      if (runtime.run !== mine) return;
      run.log(`${run.name}.service: Scheduled restart job, restart counter is at ${unit.restarts}.`, 'systemd');
    }
  }
}

/** Stops a unit and waits until it is stopped; does nothing for one that is not running. */
export async function stopUnit(guest: Guest, name: string, models: UnitModels): Promise<void> {
  const unit = guest.instance.units.get(name);
  const runtime = unit === undefined ? undefined : runtimeOf(unit);
  if (unit === undefined || runtime?.run === undefined) {
    if (unit?.active === 'failed') setActive(unit, 'inactive', guest.world);
    return;
  }
  runtime.run = undefined;
  const takes = models[name]?.stop?.(guest) ?? 0;
  setActive(unit, 'inactive', guest.world);
  await guest.world.clock.sleep(takes);
}

/** A power cut: everything ends, without an orderly stop. */
export function endAllUnits(guest: Guest, models: UnitModels): void {
  for (const [name, unit] of guest.instance.units) {
    const runtime = runtimeOf(unit);
    if (runtime.run === undefined) continue;
    runtime.run = undefined;
    models[name]?.stop?.(guest);
    setActive(unit, 'inactive', guest.world);
  }
}

export type UnitModels = Readonly<Record<string, UnitModel>>;

/** A program that just runs once its unit has been started, e.g. the demo workload. */
const plainModel: UnitModel = {
  run: async (run) => run.active(),
};

/** What `journalctl --output json` shows of a unit, the oldest line first. */
export function journalLines(instance: Instance, name: string): readonly JournalLine[] {
  const unit = instance.units.get(name);
  return unit === undefined ? [] : runtimeOf(unit).lines;
}

/** The unit's last start; empty before the first one. */
export function invocationOf(instance: Instance, name: string): string {
  const unit = instance.units.get(name);
  return unit === undefined ? '' : runtimeOf(unit).invocation;
}

/** `systemctl show` of some properties; it never fails, not even for an unknown unit (docs/facts/k3s.md 13). */
export function showUnit(instance: Instance, name: string, properties: readonly string[]): string {
  const unit = knownUnit(instance, name);
  const runtime = unit === undefined ? undefined : runtimeOf(unit);
  const active = unit?.active ?? 'inactive';
  const values: Record<string, string> = {
    ActiveState: active,
    SubState: { active: 'running', inactive: 'dead', failed: 'failed', activating: subState(unit, runtime) }[active],
    NRestarts: String(unit?.restarts ?? 0),
    Result: runtime?.result ?? 'success',
    ExecMainStatus: String(runtime?.status ?? 0),
  };
  return properties.map((property) => `${property}=${values[property] ?? ''}\n`).join('');
}

function subState(unit: Unit | undefined, runtime: Runtime | undefined): string {
  return (unit?.restarts ?? 0) > 0 && runtime?.result !== 'success' ? 'auto-restart' : 'start';
}

function setActive(unit: Unit, active: Unit['active'], world: World): void {
  if (unit.active === active) return;
  unit.active = active;
  unit.changed = world.clock.now();
}

/** Journal time, e.g. `Jan 05 09:00:12`. */
function stamp(now: number): string {
  const date = new Date(now);
  return `${date.toUTCString().slice(8, 11)} ${date.toUTCString().slice(5, 7)} ${date.toISOString().slice(11, 19)}`;
}

function seconds(value: string | undefined): number {
  return value === undefined ? 0.1 : Number.parseFloat(value);
}
