import { playSeed, type SeedResult } from './seed.ts';

/** Plays the seeds that it is sent, one after the other. */
process.on('message', (seeds: readonly number[]) => {
  void play(seeds).then((results) => process.send?.(results));
});

async function play(seeds: readonly number[]): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  for (const seed of seeds) {
    try {
      results.push(await playSeed(seed));
    } catch (thrown) {
      results.push({ seed, kinds: [], struck: [], lives: 0, problems: [`the harness failed: ${String(thrown)}`] });
    }
  }
  return results;
}
