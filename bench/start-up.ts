import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** `--help` and `--version` against bare Node, as ratios of medians; the runs alternate, so that load hits all alike. */
const RUNS = 20;
const MOST = 1.4;

const programs: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  'istio-vms --version': ['dist/main.js', '--version'],
  'istio-vms --help': ['dist/main.js', '--help'],
};

const times = new Map(Object.keys(programs).map((name) => [name, [] as number[]]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(programs)) {
    const from = performance.now();
    execFileSync(process.execPath, args, { stdio: 'ignore' });
    times.get(name)?.push(performance.now() - from);
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const floor = median(times.get('node -e 0') ?? []);
let worst = 0;
for (const [name, values] of times) {
  const ratio = median(values) / floor;
  worst = Math.max(worst, ratio);
  console.log(`${name.padEnd(22)} ${ratio.toFixed(2)} times bare Node (median of ${RUNS} runs)`);
}
if (worst > MOST) {
  console.error(`Start-up is slower than ${MOST} times bare Node.`);
  process.exitCode = 1;
}
