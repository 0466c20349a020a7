import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closingLine } from '../e2e/report.ts';
import { runStages } from '../e2e/run.ts';
import { brokenBars, figuresOf, figuresTable } from './figures.ts';
import { journals, moveMachine } from './incus.ts';

/** Runs the stages of e2e with one engine, including those that need the rig. Started by main.ts. */
const { values } = parseArgs({ options: { report: { type: 'string' }, repeat: { type: 'string' } } });
const reportDirectory = values.report ?? '';
/** Journals after the first failed stage, printed at the end for readers without access to the report. */
let firstFailure = '';
const inspect = async (stage: string): Promise<void> => {
  const text = await journals(200);
  await writeFile(join(reportDirectory, `${stage}-journals.txt`), text);
  firstFailure ||= `units that were not active after ${stage}:\n${await journals(4, { idle: true })}`;
};
const report = await runStages({
  cwd: process.cwd(),
  reportDirectory,
  source: 'the mirror of the rig',
  moveMachine,
  ...(values.repeat === undefined ? {} : { repeat: Number(values.repeat) }),
  inspect,
  say: (text) => void process.stderr.write(`${text}\n`),
});
const figures = figuresOf(
  await readFile(join(reportDirectory, 'up.log'), 'utf8').catch(() => ''),
  criticalPathIn(await readFile(join(reportDirectory, 'up.json'), 'utf8').catch(() => '{}')),
);
const table = figuresTable(figures);
await appendFile(join(reportDirectory, 'report.md'), `\n${table}`);
process.stderr.write(table);
for (const bar of brokenBars(figures)) process.stderr.write(`limit exceeded: ${bar}\n`);
process.stderr.write(firstFailure);
process.stdout.write(`${closingLine(report)}\n`);
process.exitCode = report.stages.every(({ outcome }) => outcome === 'passed') ? 0 : 1;

function criticalPathIn(document: string): readonly string[] {
  const { data } = JSON.parse(document === '' ? '{}' : document) as { data?: { criticalPath?: readonly string[] } };
  return data?.criticalPath ?? [];
}
