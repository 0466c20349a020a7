import { testCrashes } from './cases.ts';

/** Every second moment; the others are in odd.crash.ts, so that two cores share the work. */
await testCrashes((at) => at % 2 === 0);
