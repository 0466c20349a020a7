import { testCrashes } from './cases.ts';

/** Every fourth moment; the others are in the files beside, so that all cores share the work to the end. */
await testCrashes((at) => at % 4 === 0);
