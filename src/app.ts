import { join } from 'node:path';
import { loadConfig } from './config/load.ts';
import type { LoadedConfig } from './config/config.ts';
import { absolutePath } from './config/paths.ts';
import { CliError } from './errors/cli-error.ts';
import type { GlobalOptions, Invocation } from './invocation.ts';
import { overlayProblems } from './kube/overlay/overlay.ts';
import type { Rehearsal } from './rehearsal/index.ts';
import type { LabOptions, Lab } from './steps/lab.ts';
import { createLab } from './steps/create-lab.ts';
import type { System, Host } from './system/system.ts';
import { currentHost } from './system/host.ts';
import { createRealSystem, type RealSystem } from './system/index.ts';
import { createMask } from './system/mask.ts';
import { loadShippedData, scriptPaths, type ShippedData } from './system/shipped.ts';
import { createRunLog, loggingProcesses, type RunLog } from './ui/log.ts';
import { createRunRecord, type RunRecord } from './ui/report/record.ts';

export type { Rehearsal };

/** Everything that one run needs, assembled. */
export interface App {
  readonly lab: Lab;
  readonly loaded: LoadedConfig;
  readonly log: RunLog;
  /** Every command with its owner, for the run report. */
  readonly record: RunRecord;
  /** Set in a rehearsal; its system interfaces are the lab's. */
  readonly rehearsal?: Rehearsal;
  /** Kills everything that still runs. */
  killAll(): void;
}

/** What a real and a rehearsed lab share: this computer, the shipped data and the configuration. */
export interface Environment {
  readonly host: Host;
  readonly shipped: ShippedData;
  readonly loaded: LoadedConfig;
  readonly real: RealSystem;
  readonly pid: number;
  /** The log keeps the full output of commands. */
  readonly verbose: boolean;
}

/** Reads the configuration. @throws CliError `invalid-configuration` with every problem at once */
export async function loadEnvironment(invocation: Invocation, options: GlobalOptions): Promise<Environment> {
  const real = invocation.system ?? createRealSystem();
  const host = currentHost({ ...invocation, cwd: () => invocation.cwd });
  const shipped = await loadShippedData();
  const path = absolutePath(options.config ?? 'run.env', host);
  const text = await real.files.readText(path);
  if (text === undefined && options.config !== undefined) {
    throw new CliError('invalid-configuration', {
      message: `There is no configuration file ${path}.`,
      hint: 'Copy run.env.example, or omit --config.',
    });
  }
  const loaded = loadConfig({
    host,
    versions: shipped.versions,
    flags: options.set,
    ...(text === undefined ? {} : { runEnv: { path, text } }),
  });
  const { overlay } = loaded.config.istio;
  const overlayText = overlay === undefined ? undefined : await real.files.readText(overlay);
  const problems = overlayText === undefined ? [] : overlayProblems(overlayText, loaded.config);
  if (problems.length > 0) {
    throw new CliError('invalid-configuration', {
      message: `The file that ISTIO_OVERLAY names cannot be used: ${overlay ?? ''}; nothing was changed.`,
      hint: 'Correct the file, or the variables that it contradicts.',
      details: problems,
    });
  }
  if (overlay !== undefined && overlayText === undefined) {
    throw new CliError('invalid-configuration', {
      message: `ISTIO_OVERLAY names ${overlay}, which does not exist; nothing was changed.`,
      hint: 'Set ISTIO_OVERLAY to an IstioOperator file, or leave it empty.',
    });
  }
  return { real, host, shipped, loaded, pid: invocation.pid, verbose: options.verbose };
}

/** The lab behind the real system interfaces, with a log of every command. */
export function realApp(environment: Environment, labOptions: LabOptions): App {
  const { real } = environment;
  return {
    ...compose(environment, real, labOptions),
    killAll: () => real.killAll(),
  };
}

/** The same lab behind the simulated system interfaces. Nothing real is touched, not even the log. */
export async function rehearsedApp(
  environment: Environment,
  labOptions: LabOptions,
  faults: readonly string[],
): Promise<App & { readonly rehearsal: Rehearsal }> {
  const { createRehearsal } = await import('./rehearsal/index.ts');
  const rehearsal = createRehearsal({
    host: environment.host,
    shipped: environment.shipped,
    faults,
    faultsDisabledAtStart: true,
    // The simulated server knows everything that the configuration names.
    engine: environment.loaded.config.engine,
    engineSettings: environment.loaded.config.engineSettings,
  });
  // A fault may need a different computer, e.g. one with an arm64 CPU.
  const { host } = rehearsal.world;
  const { overlay } = environment.loaded.config.istio;
  const text = overlay === undefined ? undefined : await environment.real.files.readText(overlay);
  if (overlay !== undefined && text !== undefined) await rehearsal.system.files.write(overlay, text);
  return {
    ...compose({ ...environment, host }, rehearsal.system, labOptions),
    rehearsal,
    killAll: () => undefined,
  };
}

function compose(environment: Environment, system: System, options: LabOptions): Omit<App, 'rehearsal' | 'killAll'> {
  const { config } = environment.loaded;
  const mask = createMask();
  // The process ID is included because two runs may start in the same millisecond.
  const stamp = new Date(system.clock.now()).toISOString().replace(/[:.]/g, '-');
  const log = createRunLog({
    files: system.files,
    clock: system.clock,
    path: join(config.paths.logs, `${stamp}-${environment.pid}.log`),
    mask,
    verbose: environment.verbose,
  });
  const { clock } = system;
  const { host, shipped } = environment;
  const processes = loggingProcesses(system.processes, log);
  const record: RunRecord = createRunRecord({ processes, clock, scripts: scriptPaths(shipped) });
  const lab = createLab({ config, host, shipped, system: { ...system, processes: record.processes }, mask, options });
  return { lab, loaded: environment.loaded, log, record };
}
