import { runSeed, type SeedResult } from './seed.ts';

/** Runs the seeds of each message, one after the other. */
process.on('message', (seeds: readonly number[]) => {
  void runAll(seeds).then((results) => process.send?.(results));
});

async function runAll(seeds: readonly number[]): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  for (const seed of seeds) {
    try {
      results.push(await runSeed(seed));
    } catch (thrown) {
      results.push({ seed, kinds: [], occurred: [], runs: 0, problems: [`the harness failed: ${String(thrown)}`] });
    }
  }
  return results;
}
