import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigValue } from '../../../src/config/config.ts';

export interface StageResult {
  readonly id: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  /** What was observed, or why the stage failed. */
  readonly evidence: string;
}

export interface E2eReport {
  readonly startedAt: string;
  readonly engine: string;
  readonly source: string;
  /** Variables that are set in the environment or in run.env. */
  readonly configuration: readonly ConfigValue[];
  readonly stages: readonly StageResult[];
}

/** Writes report.json for programs and report.md for people. */
export async function writeReport(directory: string, report: E2eReport): Promise<void> {
  const ok = !report.stages.some(({ outcome }) => outcome === 'failed');
  await writeFile(join(directory, 'report.json'), `${JSON.stringify({ version: 1, ok, ...report }, null, 2)}\n`);
  await writeFile(join(directory, 'report.md'), pageOf(report));
}

/** The last line of output, in the form that all test runs of this project use. */
export function closingLine({ stages }: Pick<E2eReport, 'stages'>): string {
  const count = (outcome: StageResult['outcome']): number => stages.filter((stage) => stage.outcome === outcome).length;
  const skipped = count('skipped');
  return `${count('passed')} passed, ${count('failed')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function pageOf(report: E2eReport): string {
  const rows = report.stages.map(
    ({ title, outcome, ms, evidence }) =>
      `| ${outcome} | ${title} | ${(ms / 1000).toFixed(1)} s | ${evidence.replace(/\|/g, '\\|').replace(/\s+/g, ' ')} |`,
  );
  const set = report.configuration.map(({ name, value, origin }) => `- \`${name}=${value}\` (${origin})`);
  return [
    `# End to end with ${report.engine}, ${report.source}`,
    '',
    `Begun ${report.startedAt}. ${closingLine(report)}.`,
    '',
    '| | stage | time | evidence |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...(set.length === 0 ? [] : ['Set:', '', ...set, '']),
  ].join('\n');
}
