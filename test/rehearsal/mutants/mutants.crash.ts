import { describe, expect, it } from 'vitest';
import { aftermath, crashCase, goodEnd, liveOn, problemsOf, type Scenario } from '../crash/case.ts';
import { mortal } from '../crash/mortal.ts';
import type { LabState } from '../crash/lab-state.ts';
import { scenarioNamed } from '../crash/scenarios.ts';
import { freshWorld } from '../crash/world.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

/** The scenario with the bug in every life of it. */
function withBug({ scenario: name, stage, system, steps }: Mutant): Scenario {
  const scenario = scenarioNamed(name);
  const sick = <T extends object>(call: T): T => (steps === undefined ? call : { ...call, steps });
  return {
    ...scenario,
    ...(stage === undefined ? {} : { stage }),
    ...(system === undefined ? {} : { system: (inner) => system(inner) }),
    before: (scenario.before ?? []).map(sick),
    call: sick(scenario.call),
    after: scenario.after.map(sick),
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
  const sick = withBug(mutant);
  const rehearsal = await freshWorld(sick.stage);
  for (const call of sick.before ?? []) await liveOn(rehearsal, call, rehearsal.system);
  const life = mortal(rehearsal);
  const ending = await liveOn(rehearsal, sick.call, sick.system?.(life.system, rehearsal) ?? life.system);
  rehearsal.world.crashPoints = undefined;
  const { dies } = mutant;
  if (dies !== undefined) {
    const at = life.moments.findIndex((moment) => dies.test(moment));
    if (at < 0) throw new Error(`no moment is ${String(dies)}`);
    return crashCase(sick, { at, children: 'end' }, good);
  }
  const problems = problemsOf(ending);
  return problems.length > 0 ? problems : aftermath(rehearsal, sick, good);
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
