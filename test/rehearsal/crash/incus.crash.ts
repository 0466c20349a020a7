import { testCrashes } from './cases.ts';
import { INCUS_SCENARIOS } from './scenarios.ts';

/** The moments at the beginning, at which the machines are made, and a few of the later ones, which no engine changes. */
await testCrashes(
  (at, children) => (at < 48 ? at % 3 === (children === 'end' ? 0 : 1) : at % 24 === (children === 'end' ? 5 : 17)),
  INCUS_SCENARIOS,
);
