import { testCrashes } from './cases.ts';

await testCrashes((at) => at % 2 === 1);
