import { CliError } from '../errors/cli-error.ts';
import { runStep, type StepRun } from './run-step.ts';
import type { Phase, PlannedStep } from './plan.ts';
import type { StepReport } from './report.ts';
import { createPriorityLimiter, type PriorityLimiter } from './priority-limiter.ts';

export interface Schedule extends Pick<StepRun, 'clock' | 'signal' | 'emit' | 'explain' | 'forget'> {
  readonly phase: Phase;
  /** How many steps may use a resource at once; a resource that is not named is not bounded. */
  readonly bounds: Readonly<Record<string, number>>;
}

/**
 * Starts whatever is ready, longest remaining path first. After a failure of an `apply` nothing new begins and what runs
 * is let end; what is removed goes on, for one thing that will not go must not keep the rest. After an interrupt nothing
 * new begins either way. Never rejects for a step's sake.
 */
export async function runPhase(schedule: Schedule): Promise<readonly StepReport[]> {
  const { phase, clock, signal, emit } = schedule;
  const urgent = [...phase.steps].sort((a, b) => b.remainingMs - a.remainingMs);
  const rank = new Map(urgent.map(({ step }, place) => [step.id, place]));
  const turns = turnsOf(schedule, (id) => rank.get(id) ?? 0);
  const reports = new Map<string, StepReport>();
  const begun = new Set<string>();
  let failed = false;

  const stopping = (): boolean => signal.aborted || (failed && phase.direction === 'apply');
  const closeTurns = (): void => turns.forEach((turn) => turn.close());
  const ready = ({ step, after }: PlannedStep): boolean =>
    !begun.has(step.id) && after.every((id) => reports.has(id) && reports.get(id)?.outcome !== 'not-started');

  emit({
    type: 'run-started',
    at: clock.now(),
    direction: phase.direction,
    steps: phase.steps.map(({ step: { id, title } }) => ({ id, title })),
  });
  signal.addEventListener('abort', closeTurns);
  await new Promise<void>((resolve) => {
    const settle = (report: StepReport): void => {
      reports.set(report.id, report);
      failed ||= report.outcome === 'failed';
      if (stopping()) closeTurns();
      begin();
    };
    const begin = (): void => {
      for (const planned of stopping() ? [] : urgent.filter(ready)) {
        const { id, uses } = planned.step;
        begun.add(id);
        const around: StepRun = { ...schedule, turns: uses === undefined ? undefined : turns.get(uses), stopping };
        void runStep(planned, phase.direction, around).then(settle);
      }
      if (reports.size === begun.size) resolve();
    };
    begin();
  });
  signal.removeEventListener('abort', closeTurns);

  const all = phase.steps.map((planned) => reports.get(planned.step.id) ?? notStarted(planned, phase.direction));
  emit({ type: 'run-finished', at: clock.now(), direction: phase.direction, steps: all });
  return all;
}

function turnsOf({ phase, bounds }: Schedule, rank: (id: string) => number): ReadonlyMap<string, PriorityLimiter> {
  const used = new Set(phase.steps.flatMap(({ step }) => step.uses ?? []));
  return new Map(
    Object.entries(bounds)
      .filter(([resource]) => used.has(resource))
      .map(([resource, bound]) => {
        // Nobody would ever get a turn.
        if (!(bound >= 1)) throw new CliError('internal-error', { message: `The bound of ${resource} is ${bound}.` });
        return [resource, createPriorityLimiter(bound, rank)];
      }),
  );
}

function notStarted({ step, after }: PlannedStep, direction: Phase['direction']): StepReport {
  return { id: step.id, title: step.title, direction, outcome: 'not-started', after, waitedMs: 0 };
}
