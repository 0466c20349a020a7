import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { duration } from '../src/plan/text.ts';
import type { Cpu, Host } from '../src/system/system.ts';
import { loadShippedData } from '../src/system/shipped.ts';
import { peakMemory } from './memory.ts';
import { followOriginal } from './original/follow.ts';
import { isRemote } from './remote.ts';
import { ourWorld, type Ran } from './ours.ts';
import { startUp } from './start-up.ts';

/**
 * `npm run bench`: ours beside the original, as ratios from one run on this machine, in Markdown; `-- --write` puts it into
 * docs/performance.md. Simulated times and counts are the same everywhere; start-up and memory are this machine's. Ends with 1 when a
 * bar is missed.
 */
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const COMMAND = 'npm run bench -- --write';
/** What an answer to `--help` may cost, as a multiple of bare Node; how many calls a bootstrap may make. */
const BARS = { startUp: 1.4, bootstrap: 6, waste: 1.05, reads: 12 };

const host = (cpu: Cpu): Host => ({ platform: 'linux', cpu, cwd: '/home/u/lab', home: '/home/u', env: {} });
const shipped = await loadShippedData();
const of = (ran: Ran, effect: 'read' | 'write'): number =>
  ran.commands.filter((entry) => entry.effect === effect).length;
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
    `${of(first, 'write')} that change something, ${of(first, 'read')} that look`,
    '',
  ],
  ['once more, on a healthy lab', 'all of them again', `${of(second, 'write')} and ${of(second, 'read')}`, ''],
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

const missed = [
  waste > BARS.waste && `the schedule wastes ${waste.toFixed(2)}`,
  Math.max(started.version, started.help) > BARS.startUp && `start-up is slower than ${BARS.startUp} times bare Node`,
  Math.max(bootstrap.amd64, bootstrap.arm64) > BARS.bootstrap && `a bootstrap makes more than ${BARS.bootstrap} calls`,
  (of(second, 'write') > 0 || of(second, 'read') > BARS.reads) && 'a second run is not idle',
].filter((line) => line !== false);
for (const line of missed) console.error(`Bar missed: ${line}.`);
process.exitCode = missed.length === 0 ? 0 : 1;

/** Between the marks in docs/performance.md. */
async function put(text: string): Promise<void> {
  const before = await readFile('docs/performance.md', 'utf8');
  const marks = /(<!-- measured: bench -->\n)[\s\S]*?(<!-- end -->)/;
  if (!marks.test(before))
    throw new Error('docs/performance.md has no place for it: <!-- measured: bench --> … <!-- end -->');
  await writeFile(
    'docs/performance.md',
    before.replace(marks, (_, begin: string, end: string) => `${begin}${text}\n${end}`),
  );
}
