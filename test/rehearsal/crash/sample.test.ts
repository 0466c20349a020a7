import { testCrashes } from './cases.ts';

/** A few of each kind, for every day; all of them are in the project `crash`, which .ci/run runs. */
await testCrashes((at, children, scenario) => {
  const stride = scenario === 'up' ? 80 : 200;
  return at % stride === (children === 'end' ? 7 : 3);
});
