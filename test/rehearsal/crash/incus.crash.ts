import { testCrashes } from './cases.ts';
import { INCUS_SCENARIOS } from './scenarios.ts';

/** Every third of the first kill points, when machines are created, and a few later ones, which do not depend on the engine. */
await testCrashes(
  (at, children) => (at < 48 ? at % 3 === (children === 'end' ? 0 : 1) : at % 24 === (children === 'end' ? 5 : 17)),
  INCUS_SCENARIOS,
);
