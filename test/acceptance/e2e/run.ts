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
  readonly kept: string;
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
  kept,
  bundle,
  source,
  moveMachine,
  repeat,
  inspect,
  say,
}: RunOptions): Promise<E2eReport> {
  const around = await environmentIn(cwd);
  const { lab } = realApp(around, { fixCa: true, fixPilot: true });
  const { config } = lab;
  await mkdir(kept, { recursive: true });
  const foreign = await lab.engine.list(quiet);
  const ours = [config.k3s.master, ...config.k3s.workerNames, config.workloads[0].name];
  const taken = foreign.filter(({ name }) => ours.includes(name)).map(({ name }) => name);
  if (taken.length > 0) throw new LabExists(`There are machines named ${taken.join(', ')} already.`);

  const stand: StageContext = {
    lab,
    program: createProgram({ cwd, logs: config.paths.logs, kept }),
    source: bundle === undefined ? [] : ['--bundle', resolve(cwd, bundle)],
    foreign,
    ...(moveMachine === undefined ? {} : { moveMachine }),
  };
  const interrupt = { came: false };
  process.on('SIGINT', () => (interrupt.came = true));
  process.on('SIGTERM', () => (interrupt.came = true));

  const startedAt = new Date().toISOString();
  const stages: StageResult[] = [];
  for (const stage of repeat === undefined ? STAGES : withRepeats(repeat)) {
    const result = await runStage(stage, stand, interrupt.came ? 'interrupted' : withoutLab(stages));
    stages.push(result);
    say(`${result.outcome.padEnd(8)}${stage.title}: ${result.evidence} (${(result.ms / 1000).toFixed(1)} s)`);
    if (result.outcome !== 'failed') continue;
    await stand.program(`${stage.id}-status`, 'status');
    await inspect?.(stage.id);
  }
  const report: E2eReport = {
    startedAt,
    engine: config.engine,
    source: bundle === undefined ? (source ?? config.artifactsUrl ?? 'the release servers') : 'a bundle',
    configuration: around.loaded.values.filter(({ origin }) => origin === 'environment' || origin === 'run.env'),
    stages,
  };
  await writeReport(kept, report);
  return report;
}

/** Reason to skip the other stages: both `up` and the checks after it failed. */
function withoutLab([up, verify]: readonly StageResult[]): string | undefined {
  return up?.outcome === 'failed' && verify?.outcome === 'failed' ? 'there is no lab that works' : undefined;
}

async function runStage(stage: Stage, stand: StageContext, pointless: string | undefined): Promise<StageResult> {
  const { id, title } = stage;
  const skipped = stage.always === true ? undefined : (pointless ?? stage.skip?.(stand));
  if (skipped !== undefined) return { id, title, outcome: 'skipped', ms: 0, evidence: skipped };
  const start = performance.now();
  const ended = (outcome: StageResult['outcome'], evidence: string): StageResult => ({
    id,
    title,
    outcome,
    evidence,
    ms: Math.round(performance.now() - start),
  });
  try {
    return ended('passed', await stage.run(stand));
  } catch (error) {
    return ended('failed', error instanceof Error ? error.message : String(error));
  }
}
