import { defineConfig } from 'vitest/config';
import { LONG_FILES, SAMPLED_FILES } from './test/support/long-files.ts';

/** The test projects; acceptance tests need real machines and are started by .ci/run. */
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    // Share transformed modules between projects and with the next run.
    experimental: { fsModuleCache: true },
    // The default leaves one core idle, which is half of a two-core machine.
    maxWorkers: '100%',
    // Time limits only end hanging tests; they are long enough for a busy computer.
    projects: [
      {
        extends: true,
        test: { name: 'unit', isolate: false, include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: 'rehearsal',
          isolate: false,
          setupFiles: ['test/rehearsal/support/share-modules.ts'],
          // The simulated machines must pass the same tests as the real ones.
          include: ['test/rehearsal/**/*.test.ts', 'test/acceptance/machines/simulated.test.ts'],
          exclude: LONG_FILES,
          testTimeout: 60_000,
        },
      },
      // Tests that `npm test` leaves out to finish within a minute; .ci/run runs them.
      {
        extends: true,
        test: {
          name: 'long',
          isolate: false,
          env: { LONG: '1' },
          setupFiles: ['test/rehearsal/support/share-modules.ts'],
          include: [...LONG_FILES, ...SAMPLED_FILES],
          testTimeout: 300_000,
        },
      },
      // Every point at which the program can be killed, and planted bugs that the harness must find; .ci/run runs it,
      // `npm test` runs a sample.
      {
        extends: true,
        test: { name: 'crash', include: ['test/rehearsal/{crash,mutants}/*.crash.ts'], testTimeout: 900_000 },
      },
      {
        extends: true,
        test: {
          name: 'smoke',
          include: ['test/smoke/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      // Real machines; not part of `npm test`, but of `npm run acceptance`, which .ci/run starts where possible.
      {
        extends: true,
        test: {
          name: 'acceptance',
          include: ['test/acceptance/**/*.test.ts'],
          exclude: ['test/acceptance/report/**'],
          globalSetup: ['test/acceptance/support/setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // The report in Chromium; no machines are needed for that.
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/acceptance/report/*.test.ts'],
          globalSetup: ['test/acceptance/report/setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
