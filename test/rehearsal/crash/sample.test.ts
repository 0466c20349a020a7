import { testCrashes } from './cases.ts';
import { SCENARIOS } from './scenarios.ts';

/** A few kill points of the shortest scenarios, for `npm test`; the project `crash`, which .ci/run runs, has all of them. */
await testCrashes(
  (at, children, scenario) => {
    const stride = scenario === 'up' ? 80 : 200;
    return at % stride === (children === 'end' ? 7 : 3);
  },
  SCENARIOS.filter(({ name }) => ['up', 'delete, delete'].includes(name)),
);
