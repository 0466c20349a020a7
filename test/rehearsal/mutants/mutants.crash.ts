import { describe, expect, it } from 'vitest';
import { aftermath, crashCase, goodEnd, rerun, problemsOf, type Scenario } from '../crash/case.ts';
import { killable } from '../crash/killable.ts';
import type { LabState } from '../crash/lab-state.ts';
import { scenarioNamed } from '../crash/scenarios.ts';
import { freshWorld } from '../crash/world.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

/** The scenario with the bug in every life of it. */
function withBug({ scenario: name, stage, system, steps }: Mutant): Scenario {
  const scenario = scenarioNamed(name);
  const buggy = <T extends object>(call: T): T => (steps === undefined ? call : { ...call, steps });
  return {
    ...scenario,
    ...(stage === undefined ? {} : { stage }),
    ...(system === undefined ? {} : { system: (inner) => system(inner) }),
    before: (scenario.before ?? []).map(buggy),
    call: buggy(scenario.call),
    after: scenario.after.map(buggy),
  };
}

const goodEnds = new Map<string, Promise<LabState>>();

function goodEndOf(name: string): Promise<LabState> {
  const known = goodEnds.get(name) ?? goodEnd(scenarioNamed(name));
  goodEnds.set(name, known);
  return known;
}

/** What the harness says to the program with this bug in it. */
async function verdict(mutant: Mutant): Promise<readonly string[]> {
  const good = await goodEndOf(mutant.scenario);
  const buggy = withBug(mutant);
  const rehearsal = await freshWorld(buggy.stage);
  for (const call of buggy.before ?? []) await rerun(rehearsal, call, rehearsal.system);
  const life = killable(rehearsal);
  const ending = await rerun(rehearsal, buggy.call, buggy.system?.(life.system, rehearsal) ?? life.system);
  rehearsal.world.crashPoints = undefined;
  const { dies } = mutant;
  if (dies !== undefined) {
    const at = life.moments.findIndex((moment) => dies.test(moment));
    if (at < 0) throw new Error(`no moment is ${String(dies)}`);
    return crashCase(buggy, { at, children: 'end' }, good);
  }
  const problems = problemsOf(ending);
  return problems.length > 0 ? problems : aftermath(rehearsal, buggy, good);
}

describe('planted bugs are caught by the harness', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    const problems = await verdict(mutant);
    expect(
      problems.some((line) => mutant.caught.test(line)),
      `it said: ${problems.slice(0, 5).join(' | ')}`,
    ).toBe(true);
  });

  it('and a healthy program is not', async () => {
    for (const scenario of ['up', 'delete, delete']) {
      expect(await verdict({ name: 'none', scenario, caught: /./ })).toEqual([]);
    }
  });
});
