import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const RUNS = 20;

/** Command lines that are compared with bare Node. */
const COMMANDS = { version: ['dist/main.js', '--version'], help: ['dist/main.js', '--help'] } as const;

/** Start-up as multiples of bare Node, as ratios of medians. The runs alternate, so that load affects all equally. */
export function startUp(): Readonly<Record<keyof typeof COMMANDS, number>> {
  const bare = ['-e', '0'];
  const programs = [bare, COMMANDS.version, COMMANDS.help];
  const times = programs.map(() => [] as number[]);
  for (let run = 0; run < RUNS; run++) {
    for (const [place, args] of programs.entries()) {
      const from = performance.now();
      execFileSync(process.execPath, args, { stdio: 'ignore' });
      times[place]?.push(performance.now() - from);
    }
  }
  const [floor = NaN, version = NaN, help = NaN] = times.map(median);
  return { version: version / floor, help: help / floor };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
