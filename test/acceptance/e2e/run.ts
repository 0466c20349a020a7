import { quiet } from '../../support/context.ts';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { realApp } from '../../../src/app.ts';
import { environmentIn } from '../support/environment.ts';
import { createProgram } from './program.ts';
import { writeReport, type E2eReport, type StageResult } from './report.ts';
import { STAGES, withRepeats, type Stage, type StageContext } from './stages.ts';

export interface RunOptions {
  /** Working directory of the program, which may contain run.env. */
  readonly cwd: string;
  /** Directory for the report and for the output of each run of the program. */
  readonly reportDirectory: string;
  /** `--bundle FILE` of `up`. */
  readonly bundle?: string;
  /** Source of the artifacts, for the report. */
  readonly source?: string;
  /** Restarts a machine with another address and returns the address; absent if the engine cannot do that. */
  readonly moveMachine?: (name: string) => Promise<string>;
  /** How often the check vm-to-mesh is repeated; default: not at all. */
  readonly repeat?: number;
  /** Called right after a failed stage, to save the logs of the machines. */
  readonly inspect?: (stage: string) => Promise<void>;
  readonly say: (text: string) => void;
}

/** Machines with the names of the lab already exist, so nothing was run. */
export class LabExists extends Error {}

/**
 * Runs all stages on a lab with the configuration of the environment and of run.env. Continues after a failed stage
 * unless there is no working lab, and always deletes the lab. Prints each result and writes the report.
 * @throws LabExists before anything is changed
 */
export async function runStages({
  cwd,
  reportDirectory,
  bundle,
  source,
  moveMachine,
  repeat,
  inspect,
  say,
}: RunOptions): Promise<E2eReport> {
  const environment = await environmentIn(cwd);
  const { lab } = realApp(environment, { fixCa: true, fixPilot: true });
  const { config } = lab;
  await mkdir(reportDirectory, { recursive: true });
  const foreign = await lab.engine.list(quiet);
  const ours = [config.k3s.master, ...config.k3s.workerNames, config.workloads[0].name];
  const taken = foreign.filter(({ name }) => ours.includes(name)).map(({ name }) => name);
  if (taken.length > 0) throw new LabExists(`Machines named ${taken.join(', ')} already exist.`);

  const context: StageContext = {
    lab,
    program: createProgram({ cwd, logs: config.paths.logs, outputDirectory: reportDirectory }),
    source: bundle === undefined ? [] : ['--bundle', resolve(cwd, bundle)],
    foreign,
    ...(moveMachine === undefined ? {} : { moveMachine }),
  };
  const interrupt = { received: false };
  process.on('SIGINT', () => (interrupt.received = true));
  process.on('SIGTERM', () => (interrupt.received = true));

  const startedAt = new Date().toISOString();
  const stages: StageResult[] = [];
  for (const stage of repeat === undefined ? STAGES : withRepeats(repeat)) {
    const result = await runStage(stage, context, interrupt.received ? 'interrupted' : withoutLab(stages));
    stages.push(result);
    say(`${result.outcome.padEnd(8)}${stage.title}: ${result.evidence} (${(result.ms / 1000).toFixed(1)} s)`);
    if (result.outcome !== 'failed') continue;
    await context.program(`${stage.id}-status`, 'status');
    await inspect?.(stage.id);
  }
  const report: E2eReport = {
    startedAt,
    engine: config.engine,
    source: bundle === undefined ? (source ?? config.artifactsUrl ?? 'the release servers') : 'a bundle',
    configuration: environment.loaded.values.filter(({ origin }) => origin === 'environment' || origin === 'run.env'),
    stages,
  };
  await writeReport(reportDirectory, report);
  return report;
}

/** Reason to skip the other stages: both `up` and the checks after it failed. */
function withoutLab([up, verify]: readonly StageResult[]): string | undefined {
  return up?.outcome === 'failed' && verify?.outcome === 'failed' ? 'there is no working lab' : undefined;
}

async function runStage(stage: Stage, context: StageContext, skipReason: string | undefined): Promise<StageResult> {
  const { id, title } = stage;
  const skipped = stage.always === true ? undefined : (skipReason ?? stage.skip?.(context));
  if (skipped !== undefined) return { id, title, outcome: 'skipped', ms: 0, evidence: skipped };
  const start = performance.now();
  const result = (outcome: StageResult['outcome'], evidence: string): StageResult => ({
    id,
    title,
    outcome,
    evidence,
    ms: Math.round(performance.now() - start),
  });
  try {
    return result('passed', await stage.run(context));
  } catch (error) {
    return result('failed', error instanceof Error ? error.message : String(error));
  }
}
