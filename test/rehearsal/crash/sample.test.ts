import { testCrashes } from './cases.ts';
import { SCENARIOS } from './scenarios.ts';

/** A few moments of the shortest scenarios, for `npm test`; every moment is in the project `crash`, which .ci/run runs. */
await testCrashes(
  (at, children, scenario) => {
    const stride = scenario === 'up' ? 80 : 200;
    return at % stride === (children === 'end' ? 7 : 3);
  },
  SCENARIOS.filter(({ name }) => ['up', 'delete, delete'].includes(name)),
);
