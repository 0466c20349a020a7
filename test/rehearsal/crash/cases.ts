import { describe, expect, it } from 'vitest';
import { crashCase, expectedState, killPointsOf, type Scenario } from './case.ts';
import type { Children } from './killable.ts';
import { SCENARIOS } from './scenarios.ts';

/** The command line that repeats a case. */
function replay(scenario: string, at: number, children: Children): string {
  return `npm run simulate -- --crash "${scenario}" --at ${at} --children ${children}`;
}

/**
 * Defines a test for each kill point that `chosen` selects, in each scenario, with children that continue and with children
 * that are killed too. Call it with a top-level `await`, because it first runs each scenario to find its kill points.
 */
export async function testCrashes(
  chosen: (at: number, children: Children, scenario: string) => boolean,
  scenarios: readonly Scenario[] = SCENARIOS,
): Promise<void> {
  for (const scenario of scenarios) {
    const [killPoints, expected] = [await killPointsOf(scenario), await expectedState(scenario)];
    describe(scenario.name, () => {
      for (const children of scenario.children ?? (['go-on', 'end'] as const)) {
        for (const [at, killPoint] of killPoints.entries()) {
          if (!chosen(at, children, scenario.name)) continue;
          it(`killed at ${at}, children ${children}: ${killPoint.slice(0, 120)}`, async () => {
            expect(await crashCase(scenario, { at, children }, expected), replay(scenario.name, at, children)).toEqual(
              [],
            );
          });
        }
      }
    });
  }
}
