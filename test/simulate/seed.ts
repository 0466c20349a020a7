import { clusterOf } from '../../src/rehearsal/cluster/kube.ts';
import { CliError } from '../../src/errors/cli-error.ts';
import { FAULTS, type Rehearsal } from '../../src/rehearsal/index.ts';
import { startFault, startsByItself } from '../../src/rehearsal/fault-setups.ts';
import type { FaultName } from '../../src/rehearsal/faults.ts';
import { hasFaultStarted } from '../../src/rehearsal/fault-state.ts';
import { goodEnd, rerun, problemsOf, settle } from '../rehearsal/crash/case.ts';
import { exposed, leftBehind } from '../rehearsal/crash/left-behind.ts';
import { killable, type KillableRun } from '../rehearsal/crash/killable.ts';
import { compare, labState, type LabState } from '../rehearsal/crash/lab-state.ts';
import { live, type Call, type Ending } from '../rehearsal/crash/program.ts';
import { freshWorld, HOST, type Stage } from '../rehearsal/crash/world.ts';
import { randomFrom } from './random.ts';
import { engineOf, isSignal, scheduleOf, type Trouble } from './schedule.ts';

export interface SeedResult {
  readonly seed: number;
  /** What was to go wrong in that world, by kind. */
  readonly kinds: readonly string[];
  /** Those of them that did: a fault that waits for its occasion may wait in vain. */
  readonly struck: readonly string[];
  /** What is wrong with the end, a line each; nothing when it converged. */
  readonly problems: readonly string[];
  /** Lives of the program until the lab was up. */
  readonly lives: number;
}

/** Somebody who types `up` again and does what the error's hint says gives up after so many times. */
const MAX_RUNS = 12;
/** How long that takes at most, in milliseconds: meanwhile daemons go on with what was begun. */
const LONGEST_BREAK_MS = 20_000;
const ARM: Stage = { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] };
const ON_INCUS = { MACHINE_ENGINE: 'incus' };

/** Faults that are there as long as they are switched on, or that happen by themselves. */
const LASTING_FAULTS = new Set<FaultName>([
  ...FAULTS.map(({ name }) => name).filter(startsByItself),
  'api-flaky',
  'load-balancer-hostname',
  'second-address',
]);

const goodEnds = new Map<string, Promise<LabState>>();

const upOn = ({ engine }: { readonly engine?: string }): Call => ({
  kind: 'apply',
  ...(engine === 'incus' ? { set: ON_INCUS } : {}),
});

function goodEndOf(stage: Stage): Promise<LabState> {
  const key = JSON.stringify(stage);
  const known = goodEnds.get(key) ?? goodEnd({ name: 'up', stage, call: upOn(stage), after: [] });
  goodEnds.set(key, known);
  return known;
}

/** One world with the troubles of a seed in it, in which `up` is called until it ends well. */
export async function playSeed(seed: number): Promise<SeedResult> {
  const troubles = scheduleOf(seed);
  const arm = troubles.some(({ kind }) => kind === 'arm64-deb-missing') ? ARM : {};
  const stage: Stage = { ...arm, engine: engineOf(seed) };
  const up = upOn(stage);
  const rehearsal = await freshWorld(stage);
  const current: Current = { others: [], cuts: [] };
  for (const trouble of troubles)
    rehearsal.world.clock.after(trouble.after, () => injectFault(rehearsal, trouble, current));
  const kinds = troubles.map(({ kind }) => kind);
  const missed = new Set<string>();
  const result = (problems: readonly string[], lives: number): SeedResult => ({
    seed,
    kinds,
    struck: kinds.filter((kind) => !missed.has(kind)),
    problems,
    lives,
  });

  const breaks = randomFrom(seed + 2 ** 31);
  let call = up;
  let allFaultsPlayed = false;
  for (let lives = 1; lives <= MAX_RUNS; lives++) {
    const interrupt = new AbortController();
    const life = killable(rehearsal);
    Object.assign(current, { life, interrupt });
    const ending = await rerun(rehearsal, call, life.system, life.died, interrupt.signal);
    rehearsal.world.crashPoints = undefined;
    const open = exposed(rehearsal);
    if (open.length > 0)
      return result(
        open.map((line) => `a secret lies open: ${line}`),
        lives,
      );
    const wrong = life.isDead() || problemsOf(ending).length > 0;
    const others = wrong ? [] : await rehearsal.drive(() => Promise.all(current.others));
    const bug = [ending, ...others].map(bugIn).find((found) => found !== undefined);
    if (bug !== undefined) return result([bug], lives);
    if (!wrong && allFaultsPlayed) return result(await judge(rehearsal, stage, kinds), lives);
    if (!wrong) {
      // All is well, though more may be to come: let it come, then have no more of it, and look again.
      await rehearsal.world.clock.advance(Math.max(0, ...troubles.map(({ after }) => after)) + 60_000);
      // What was never published is not published now.
      for (const fault of rehearsal.world.faults) {
        if (!LASTING_FAULTS.has(fault) && !hasFaultStarted(rehearsal.world, fault)) missed.add(fault);
        if (fault !== 'arm64-deb-missing') rehearsal.world.faults.delete(fault);
      }
      allFaultsPlayed = true;
    }
    if (wrong) await rehearsal.world.clock.advance(breaks.whole(LONGEST_BREAK_MS));
    call = followHint(rehearsal, ending, up);
  }
  return result(['twelve lives were not enough'], MAX_RUNS);
}

/** No trouble is a reason for these. */
function bugIn(ending: Ending | undefined): string | undefined {
  const { error, unproved = [] } = ending ?? {};
  if (error?.reason === 'internal-error') return `internal error: ${error.message}`;
  if (error?.reason === 'foreign-machine') return `took its own machine for somebody else's: ${error.message}`;
  return unproved.find((line) => line.includes('without a deadline'));
}

/** What troubles act upon: the life that is being lived, and runs of somebody else in the same directory. */
interface Current {
  life?: KillableRun;
  interrupt?: AbortController;
  readonly others: Promise<Ending>[];
  /** Ends those of them that still run without a word. */
  readonly cuts: (() => void)[];
}

function injectFault(rehearsal: Rehearsal, { kind }: Trouble, current: Current): void {
  if (!isSignal(kind)) {
    startFault(rehearsal, kind);
    return;
  }
  const { world, system, killAll } = rehearsal;
  if (kind === 'sigkill') current.life?.kill('go-on');
  else if (kind === 'power-cut') {
    current.life?.kill('end');
    // It ends everything else, too: somebody else's runs, and their programs.
    killAll();
    for (const end of current.cuts.splice(0)) end();
  } else if (kind === 'second-run') {
    const other = live(upOn({ engine: world.engine.name }), system, world.host, world.shipped);
    const cut = new Promise<Ending>((resolve) => current.cuts.push(() => resolve({})));
    current.others.push(Promise.race([other, cut]));
  } else {
    current.interrupt?.abort(new CliError('interrupted', { message: 'Interrupted.' }));
    const { life } = current;
    // The second signal ends the children, too.
    if (kind === 'sigint-twice') {
      world.clock.after(2_000, () => {
        if (life === current.life) life?.kill('end');
      });
    }
  }
}

/** Does what the error asks of a person, and gives the next call. */
function followHint(rehearsal: Rehearsal, ending: Ending | undefined, up: Call): Call {
  const { world } = rehearsal;
  const reason = ending?.error?.reason;
  if (reason === 'engine-unavailable') world.engine.daemonUp = true;
  // Who sees that there is no way out sees to it.
  if (ending?.error !== undefined) world.faults.delete('offline');
  if (ending?.error?.message.includes('a host name') === true) world.faults.delete('load-balancer-hostname');
  if (reason === 'port-conflict') clusterOf(world)?.store.remove('services', 'default', 'already-here');
  return reason === 'machine-failed' ? { ...up, kind: 'recreate' } : up;
}

async function judge(rehearsal: Rehearsal, stage: Stage, kinds: readonly string[]): Promise<readonly string[]> {
  clusterOf(rehearsal.world)?.store.remove('services', 'default', 'already-here');
  await settle(rehearsal);
  // A download that was not what it should be is kept aside for people to look at.
  const kept = (line: string): boolean => kinds.includes('digest-mismatch') && line.includes('.mismatch');
  return [
    ...compare(labState(rehearsal), await goodEndOf(stage)).filter((line) => !kept(line)),
    ...leftBehind(rehearsal)
      .filter((line) => !kept(line))
      .map((line) => `left behind: ${line}`),
    ...exposed(rehearsal).map((line) => `a secret lies open: ${line}`),
  ];
}
