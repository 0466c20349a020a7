import { parseArgs } from 'node:util';
import { closingLine } from '../e2e/report.ts';
import { runStages } from '../e2e/run.ts';
import { moveMachine } from './incus.ts';

/** The stages of e2e in the environment of one engine, with what only the rig can do. Started by main.ts. */
const { values } = parseArgs({ options: { report: { type: 'string' } } });
const report = await runStages({
  cwd: process.cwd(),
  kept: values.report ?? '',
  source: 'the mirror of the rig',
  moveMachine,
  say: (text) => void process.stderr.write(`${text}\n`),
});
process.stdout.write(`${closingLine(report)}\n`);
process.exitCode = report.stages.every(({ outcome }) => outcome === 'passed') ? 0 : 1;
