import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closingLine } from './report.ts';
import { LabExists, runStages } from './run.ts';

/**
 * `npm run e2e -- [--bundle FILE] [--report DIRECTORY]`: creates, verifies, breaks, repairs and deletes a lab, configured
 * by run.env in the current directory or by the environment.
 */
const { values } = parseArgs({
  options: { bundle: { type: 'string' }, report: { type: 'string', default: 'e2e-report' } },
});
const cwd = process.env['INIT_CWD'] ?? process.cwd();
const reportDirectory = resolve(cwd, values.report);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

try {
  const report = await runStages({
    cwd,
    reportDirectory,
    say,
    ...(values.bundle === undefined ? {} : { bundle: values.bundle }),
  });
  say(`Report and logs: ${reportDirectory}`);
  process.stdout.write(`${closingLine(report)}\n`);
  process.exitCode = report.stages.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
} catch (error) {
  if (!(error instanceof LabExists)) throw error;
  say(
    `${error.message} This test creates a lab and deletes it again: give it names of its own (NODE_PREFIX, WORKLOAD_VM_NAME).`,
  );
  process.exitCode = 2;
}
