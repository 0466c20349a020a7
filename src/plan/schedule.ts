import { CliError } from '../errors/cli-error.ts';
import { runStep, type StepRun } from './run-step.ts';
import type { Phase, PlannedStep } from './plan.ts';
import type { StepReport } from './report.ts';
import { createPriorityLimiter, type PriorityLimiter } from './priority-limiter.ts';

export interface Schedule extends Pick<StepRun, 'clock' | 'signal' | 'emit' | 'explain' | 'forget'> {
  readonly phase: Phase;
  /** How many steps may use a resource at once; other resources are not limited. */
  readonly bounds: Readonly<Record<string, number>>;
}

/**
 * Starts every step that is ready, longest remaining path first. After a failed `apply` no further step starts, and running
 * ones finish; a failed `remove` does not stop the others. After an interrupt no further step starts in either direction.
 * A failed step does not reject: its report holds the error.
 */
export async function runPhase(schedule: Schedule): Promise<readonly StepReport[]> {
  const { phase, clock, signal, emit } = schedule;
  const urgent = [...phase.steps].sort((a, b) => b.remainingMs - a.remainingMs);
  const rank = new Map(urgent.map(({ step }, place) => [step.id, place]));
  const limiters = limitersOf(schedule, (id) => rank.get(id) ?? 0);
  const reports = new Map<string, StepReport>();
  const begun = new Set<string>();
  let failed = false;

  const stopping = (): boolean => signal.aborted || (failed && phase.direction === 'apply');
  const closeLimiters = (): void => limiters.forEach((limiter) => limiter.close());
  const ready = ({ step, after }: PlannedStep): boolean =>
    !begun.has(step.id) && after.every((id) => reports.has(id) && reports.get(id)?.outcome !== 'not-started');

  emit({
    type: 'run-started',
    at: clock.now(),
    direction: phase.direction,
    steps: phase.steps.map(({ step: { id, title } }) => ({ id, title })),
  });
  signal.addEventListener('abort', closeLimiters);
  await new Promise<void>((resolve) => {
    const settle = (report: StepReport): void => {
      reports.set(report.id, report);
      failed ||= report.outcome === 'failed';
      if (stopping()) closeLimiters();
      begin();
    };
    const begin = (): void => {
      for (const planned of stopping() ? [] : urgent.filter(ready)) {
        const { id, uses } = planned.step;
        begun.add(id);
        const run: StepRun = { ...schedule, limiter: uses === undefined ? undefined : limiters.get(uses), stopping };
        void runStep(planned, phase.direction, run).then(settle);
      }
      if (reports.size === begun.size) resolve();
    };
    begin();
  });
  signal.removeEventListener('abort', closeLimiters);

  const all = phase.steps.map((planned) => reports.get(planned.step.id) ?? notStarted(planned, phase.direction));
  emit({ type: 'run-finished', at: clock.now(), direction: phase.direction, steps: all });
  return all;
}

function limitersOf({ phase, bounds }: Schedule, rank: (id: string) => number): ReadonlyMap<string, PriorityLimiter> {
  const used = new Set(phase.steps.flatMap(({ step }) => step.uses ?? []));
  return new Map(
    Object.entries(bounds)
      .filter(([resource]) => used.has(resource))
      .map(([resource, bound]) => {
        // No step could ever acquire such a resource.
        if (!(bound >= 1)) throw new CliError('internal-error', { message: `The limit of ${resource} is ${bound}.` });
        return [resource, createPriorityLimiter(bound, rank)];
      }),
  );
}

function notStarted({ step, after }: PlannedStep, direction: Phase['direction']): StepReport {
  return { id: step.id, title: step.title, direction, outcome: 'not-started', after, waitedMs: 0 };
}
