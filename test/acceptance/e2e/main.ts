import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { realApp, surroundings } from '../../../src/app.ts';
import type { Invocation } from '../../../src/invocation.ts';
import { createProgram } from './program.ts';
import { closingLine, writeReport, type StageResult } from './report.ts';
import { STAGES, type Stage, type Stand } from './stages.ts';

/**
 * The whole life of a lab with whatever the configuration names: `npm run e2e -- [--bundle FILE] [--report DIRECTORY]`,
 * in the directory of a run.env, or with variables in the environment. Goes on after a failure to find all there are, and
 * always takes down what it made.
 */
const { values } = parseArgs({
  options: { bundle: { type: 'string' }, report: { type: 'string', default: 'e2e-report' } },
});
const cwd = process.env['INIT_CWD'] ?? process.cwd();
const kept = resolve(cwd, values.report);
const source = values.bundle === undefined ? [] : ['--bundle', resolve(cwd, values.bundle)];

const invocation = { ...process, argv: [], cwd, env: process.env } as unknown as Invocation;
const around = await surroundings(invocation, {
  output: 'text',
  quiet: false,
  verbose: false,
  set: {},
  rehearse: false,
  fault: [],
});
const { lab } = realApp(around, { fixCa: true, fixPilot: true });
const { config } = lab;
await mkdir(kept, { recursive: true });
const program = createProgram({ cwd, logs: config.paths.logs, kept });
const foreign = await lab.engine.list();

const ours = [config.k3s.master, ...config.k3s.workerNames, config.vm.name];
const taken = foreign.filter(({ name }) => ours.includes(name)).map(({ name }) => name);
if (taken.length > 0) {
  say(
    `There are machines named ${taken.join(', ')} already. This test makes a lab and takes it down again: give it names of its own (NODE_PREFIX, WORKLOAD_VM_NAME).`,
  );
  process.exit(2);
}

let interrupted = false;
process.on('SIGINT', () => (interrupted = true));
process.on('SIGTERM', () => (interrupted = true));

const startedAt = new Date().toISOString();
const stages: StageResult[] = [];
for (const stage of STAGES) {
  const result = await live(stage, { lab, program, source, foreign });
  stages.push(result);
  say(`${result.outcome.padEnd(8)}${stage.title}: ${result.evidence} (${(result.ms / 1000).toFixed(1)} s)`);
  if (result.outcome === 'failed') await program(`${stage.id}-status`, 'status');
}
const report = {
  startedAt,
  engine: config.engine,
  source: values.bundle === undefined ? (config.artifactsUrl ?? 'the release servers') : 'a bundle',
  configuration: around.loaded.values.filter(({ origin }) => origin === 'environment' || origin === 'run.env'),
  stages,
};
await writeReport(kept, report);
say(`Report and logs: ${kept}`);
process.stdout.write(`${closingLine(report)}\n`);
process.exitCode = stages.every(({ outcome }) => outcome === 'passed') ? 0 : 1;

async function live(stage: Stage, stand: Stand): Promise<StageResult> {
  const { id, title } = stage;
  if (interrupted && stage.always !== true) return { id, title, outcome: 'skipped', ms: 0, evidence: 'interrupted' };
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

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
