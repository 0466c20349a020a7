import { describe, expect, it } from 'vitest';
import { crashCase, goodEnd, momentsOf, type Scenario } from './case.ts';
import type { Children } from './killable.ts';
import { SCENARIOS } from './scenarios.ts';

/** The title of a case, and the command line that plays it again. */
function replay(scenario: string, at: number, children: Children): string {
  return `npm run simulate -- --crash "${scenario}" --at ${at} --children ${children}`;
}

/**
 * A test for each moment that is `chosen`, in each of these scenarios, for children that go on and for children that end.
 * Top-level `await` of this is what makes the tests, for an undisturbed run has to tell which moments there are.
 */
export async function testCrashes(
  chosen: (at: number, children: Children, scenario: string) => boolean,
  scenarios: readonly Scenario[] = SCENARIOS,
): Promise<void> {
  for (const scenario of scenarios) {
    const [moments, good] = [await momentsOf(scenario), await goodEnd(scenario)];
    describe(scenario.name, () => {
      for (const children of scenario.children ?? (['go-on', 'end'] as const)) {
        for (const [at, moment] of moments.entries()) {
          if (!chosen(at, children, scenario.name)) continue;
          it(`dead at ${at}, ${children}: ${moment.slice(0, 120)}`, async () => {
            expect(await crashCase(scenario, { at, children }, good), replay(scenario.name, at, children)).toEqual([]);
          });
        }
      }
    });
  }
}
