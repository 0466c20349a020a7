import { testCrashes } from './cases.ts';

await testCrashes((at) => at % 4 === 3);
