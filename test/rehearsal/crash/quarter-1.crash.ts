import { testCrashes } from './cases.ts';

/** Every fourth kill point; the other files have the rest, so that all cores share the work. */
await testCrashes((at) => at % 4 === 0);
