import { defineConfig } from 'vitest/config';
import { LONG_FILES, SAMPLED_FILES } from './test/support/long-files.ts';

/** Three kinds of tests (design.md section 2); acceptance tests need real machines and are started by .ci/run. */
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    // Each project transforms what it imports; the second one, and the next run, find it done.
    experimental: { fsModuleCache: true },
    // The default leaves one core idle; on two that is half of them.
    maxWorkers: '100%',
    // The time limits only end what hangs; they are wide enough for a busy computer.
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
          // The simulated machines are held to what the real ones are.
          include: ['test/rehearsal/**/*.test.ts', 'test/acceptance/machines/simulated.test.ts'],
          exclude: LONG_FILES,
          testTimeout: 60_000,
        },
      },
      // What `npm test` leaves out to end within a minute; .ci/run runs it.
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
      // Every moment at which the program can die, and that the harness sees planted bugs; .ci/run runs it, `npm test` has a sample.
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
      // Real machines, in no default script: `npm run acceptance`, which .ci/run starts where it may.
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
