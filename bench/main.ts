import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { duration } from '../src/plan/text.ts';
import type { Cpu, Host } from '../src/system/system.ts';
import { loadShippedData } from '../src/system/shipped.ts';
import { peakMemory } from './memory.ts';
import { followOriginal } from './original/follow.ts';
import { isRemote } from './remote.ts';
import { ourWorld, type RunResult } from './ours.ts';
import { startUp } from './start-up.ts';

/**
 * `npm run bench`: compares istio-vms with the original scripts and prints a Markdown table; `-- --write` writes it to
 * docs/performance.md. Simulated times and counts are reproducible; start-up and memory are measured on this machine.
 * Exits with 1 when a limit is exceeded.
 */
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const COMMAND = 'npm run bench -- --write';
/** Limits: start-up as a multiple of bare Node, calls of a bootstrap, makespan over critical path, reads of a second run. */
const LIMITS = { startUp: 1.4, bootstrap: 6, waste: 1.05, reads: 12 };

const host = (cpu: Cpu): Host => ({ platform: 'linux', cpu, cwd: '/home/u/lab', home: '/home/u', env: {} });
const shipped = await loadShippedData();
const countOf = (run: RunResult, effect: 'read' | 'write'): number =>
  run.commands.filter((entry) => entry.effect === effect).length;
const calls = async (cpu: Cpu): Promise<number> => {
  const world = ourWorld(host(cpu), shipped);
  await world.beforeBootstrap();
  const { commands } = await world.bootstrap();
  return commands.filter(({ command }) => isRemote(command)).length;
};

const original = {
  amd64: await followOriginal(host('amd64'), shipped),
  arm64: await followOriginal(host('arm64'), shipped),
};
const upTime = await ourWorld(host('amd64'), shipped).upTime();
const world = ourWorld(host('amd64'), shipped);
const first = await world.up();
const second = await world.up();
const wide = await ourWorld(host('amd64'), shipped, { LAUNCHES: '8' }).up();
const bootstrap = { amd64: await calls('amd64'), arm64: await calls('arm64') };
const started = startUp();
const memory = { small: peakMemory(2), large: peakMemory(50) };

const times = (before: number, after: number): string => `${(before / after).toFixed(1)} times less`;
const waste = wide.report.makespanMs / wide.report.criticalPathMs;
const rows: readonly (readonly string[])[] = [
  ['', 'the article, by hand', '`istio-vms up`', ''],
  ['---', '---', '---', '---'],
  [
    'until traffic flows both ways, simulated, 2 workers',
    duration(original.amd64.makespanMs),
    duration(upTime),
    times(original.amd64.makespanMs, upTime),
  ],
  ['the same over its critical path, launches unbounded', '', waste.toFixed(2), ''],
  [
    'sessions on the VM to bring the sidecar there, amd64',
    String(original.amd64.bootstrapCalls),
    String(bootstrap.amd64),
    times(original.amd64.bootstrapCalls, bootstrap.amd64),
  ],
  [
    'the same, arm64',
    String(original.arm64.bootstrapCalls),
    String(bootstrap.arm64),
    times(original.arm64.bootstrapCalls, bootstrap.arm64),
  ],
  [
    'commands in all (multipass, kubectl, istioctl)',
    String(original.amd64.commands),
    `${countOf(first, 'write')} that change something, ${countOf(first, 'read')} that look`,
    '',
  ],
  [
    'once more, on a healthy lab',
    'all of them again',
    `${countOf(second, 'write')} and ${countOf(second, 'read')}`,
    '',
  ],
  [
    'start-up of `--version`, `--help`',
    '',
    `${started.version.toFixed(2)}, ${started.help.toFixed(2)}`,
    'times `node -e 0`',
  ],
  ['peak memory, rehearsal with 50 workers', '', (memory.large / memory.small).toFixed(2), 'times that with 2'],
];
const date = new Date().toISOString().slice(0, 10);
const table = `${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\nMeasured on ${date} by \`${COMMAND}\`.`;
console.log(table);
if (values.write) await put(table);

const exceeded = [
  waste > LIMITS.waste && `the schedule wastes ${waste.toFixed(2)}`,
  Math.max(started.version, started.help) > LIMITS.startUp &&
    `start-up is slower than ${LIMITS.startUp} times bare Node`,
  Math.max(bootstrap.amd64, bootstrap.arm64) > LIMITS.bootstrap &&
    `a bootstrap makes more than ${LIMITS.bootstrap} calls`,
  (countOf(second, 'write') > 0 || countOf(second, 'read') > LIMITS.reads) && 'a second run is not idle',
].filter((line) => line !== false);
for (const line of exceeded) console.error(`Limit exceeded: ${line}.`);
process.exitCode = exceeded.length === 0 ? 0 : 1;

/** Writes the text between the marks in docs/performance.md. */
async function put(text: string): Promise<void> {
  const before = await readFile('docs/performance.md', 'utf8');
  const marks = /(<!-- measured: bench -->\n)[\s\S]*?(<!-- end -->)/;
  if (!marks.test(before))
    throw new Error('docs/performance.md lacks the marks <!-- measured: bench --> … <!-- end -->');
  await writeFile(
    'docs/performance.md',
    before.replace(marks, (_, begin: string, end: string) => `${begin}${text}\n${end}`),
  );
}
