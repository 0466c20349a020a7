import { loadConfig } from '../../../src/config/load.ts';
import { withLabLock } from '../../../src/commands/lab-lock.ts';
import { planAndRun } from '../../../src/commands/run-plan.ts';
import type { Session } from '../../../src/commands/command.ts';
import { useBundle } from '../../../src/commands/bundle-mode.ts';
import { runChecks } from '../../../src/commands/verify.ts';
import type { CliError } from '../../../src/errors/cli-error.ts';
import { explainThrown } from '../../../src/plan/explain.ts';
import type { Goal } from '../../../src/plan/plan.ts';
import type { RunReport } from '../../../src/plan/report.ts';
import type { LabStep } from '../../../src/steps/lab-step.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { createLab } from '../../../src/steps/create-lab.ts';
import { labSteps } from '../../../src/steps/steps.ts';
import type { System, Host } from '../../../src/system/system.ts';
import { createMask } from '../../../src/system/mask.ts';
import type { ShippedData } from '../../../src/system/shipped.ts';
import { createLogReporter, createRunLog, loggingProcesses } from '../../../src/ui/log.ts';
import { chooseChecks } from '../../../src/verify/checks.ts';

/** The arguments of one run of the program. */
export interface Call {
  readonly kind: Goal['kind'];
  /** `--set`. */
  readonly set?: Readonly<Record<string, string>>;
  /** `--skip-verify`. */
  readonly skipVerify?: boolean;
  /** `--bundle`. */
  readonly bundle?: string;
  /** For planted bugs: other steps in place of the real ones. */
  readonly steps?: (steps: readonly LabStep[], lab: Lab) => readonly LabStep[];
  /** `--lock-timeout`, in seconds. */
  readonly lockTimeout?: number;
}

/** The result of a run that was not killed. */
export interface RunResult {
  readonly error?: CliError;
  readonly run?: RunReport;
  /** Names and evidence of the checks that failed. */
  readonly failedChecks?: readonly string[];
}

/**
 * One run of `istio-vms up` on the given system interfaces: everything that `commands/up.ts` does, except for the terminal.
 */
export async function runProgram(
  call: Call,
  system: System,
  host: Host,
  shipped: ShippedData,
  signal: AbortSignal = new AbortController().signal,
): Promise<RunResult> {
  try {
    const loaded = loadConfig({ host, versions: shipped.versions, flags: call.set ?? {} });
    const { config } = loaded;
    const mask = createMask();
    const stamp = new Date(system.clock.now()).toISOString().replace(/[:.]/g, '-');
    const log = createRunLog({
      files: system.files,
      clock: system.clock,
      path: `${config.paths.logs}/${stamp}.log`,
      mask,
    });
    const logged = { ...system, processes: loggingProcesses(system.processes, log) };
    // Only what `planAndRun` and `runChecks` use of a session.
    const base = {
      app: {
        lab: createLab({ config, host, shipped, system: logged, mask, options: { fixCa: true, fixPilot: true } }),
      },
      options: { lockTimeout: call.lockTimeout },
      commandLine: 'istio-vms up',
      signal,
      reporter: createLogReporter(log),
    } as unknown as Session;
    const session = call.bundle === undefined ? base : await useBundle(base, call.bundle);
    const { lab } = session.app;
    return await withLabLock(session, async () => {
      const run = await planAndRun(session, call.steps?.(labSteps(lab), lab) ?? labSteps(lab), {
        kind: call.kind,
        targets: 'all',
      });
      if (run.error !== undefined || call.kind === 'delete' || call.skipVerify === true) {
        await log.flush();
        return { run, ...(run.error === undefined ? {} : { error: run.error }) };
      }
      const verification = await runChecks(
        session,
        chooseChecks({ names: [], strict: false, networkPolicy: false, readOnly: run.changed === 0 }),
      );
      await log.flush();
      const failedChecks = verification.results
        .filter(({ ok }) => !ok)
        .map(({ name, evidence }) => `${name}: ${evidence}`);
      return { run, failedChecks, ...(verification.error === undefined ? {} : { error: verification.error }) };
    });
  } catch (thrown) {
    return { error: explainThrown(thrown) };
  }
}
