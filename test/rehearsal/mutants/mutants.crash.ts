import { describe, expect, it } from 'vitest';
import { rerunAndCompare, crashCase, expectedState, rerun, problemsOf, type Scenario } from '../crash/case.ts';
import { killable } from '../crash/killable.ts';
import type { LabState } from '../crash/lab-state.ts';
import { scenarioNamed } from '../crash/scenarios.ts';
import { freshWorld } from '../crash/world.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

/** The scenario with the bug in every run. */
function withBug({ scenario: name, worldOptions, system, steps }: Mutant): Scenario {
  const scenario = scenarioNamed(name);
  const buggy = <T extends object>(call: T): T => (steps === undefined ? call : { ...call, steps });
  return {
    ...scenario,
    ...(worldOptions === undefined ? {} : { worldOptions }),
    ...(system === undefined ? {} : { system: (inner) => system(inner) }),
    before: (scenario.before ?? []).map(buggy),
    call: buggy(scenario.call),
    after: scenario.after.map(buggy),
  };
}

const expectedStates = new Map<string, Promise<LabState>>();

function expectedStateOf(name: string): Promise<LabState> {
  const cached = expectedStates.get(name) ?? expectedState(scenarioNamed(name));
  expectedStates.set(name, cached);
  return cached;
}

/** The problems that the harness reports for the program with this bug. */
async function problemsWith(mutant: Mutant): Promise<readonly string[]> {
  const expected = await expectedStateOf(mutant.scenario);
  const buggy = withBug(mutant);
  const rehearsal = await freshWorld(buggy.worldOptions);
  for (const call of buggy.before ?? []) await rerun(rehearsal, call, rehearsal.system);
  const run = killable(rehearsal);
  const result = await rerun(rehearsal, buggy.call, buggy.system?.(run.system, rehearsal) ?? run.system);
  rehearsal.world.crashPoints = undefined;
  const { killAt } = mutant;
  if (killAt !== undefined) {
    const at = run.killPoints.findIndex((name) => killAt.test(name));
    if (at < 0) throw new Error(`no kill point matches ${String(killAt)}`);
    return crashCase(buggy, { at, children: 'end' }, expected);
  }
  const problems = problemsOf(result);
  return problems.length > 0 ? problems : rerunAndCompare(rehearsal, buggy, expected);
}

describe('planted bugs are caught by the harness', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    const problems = await problemsWith(mutant);
    expect(
      problems.some((line) => mutant.expected.test(line)),
      `reported: ${problems.slice(0, 5).join(' | ')}`,
    ).toBe(true);
  });

  it('reports no problem of a healthy program', async () => {
    for (const scenario of ['up', 'delete, delete']) {
      expect(await problemsWith({ name: 'none', scenario, expected: /./ })).toEqual([]);
    }
  });
});
