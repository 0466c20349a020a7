import { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/system.ts';
import type { RunEvent } from './events.ts';
import { interrupted, isInterrupt } from './interrupt.ts';
import type { Phase, PlannedStep } from './plan.ts';
import type { Outcome, StepReport } from './report.ts';
import type { Finding, StepContext } from './step.ts';
import type { PriorityLimiter } from './priority-limiter.ts';
import { findingText, sentence } from './text.ts';

/**
 * Milliseconds before each check that is repeated before a step counts as not converged: an API or a machine may be
 * briefly unreachable.
 */
const RECHECK_DELAYS_MS = [1_000, 2_000, 4_000, 8_000];

/** What a step needs from the run. */
export interface StepRun {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /** Limits the resource that the step uses, if it is limited. */
  readonly limiter: PriorityLimiter | undefined;
  /** Whether no new work may start. */
  readonly stopping: () => boolean;
  readonly explain: (thrown: unknown) => CliError;
  /** Called before each check after `apply`, with the number of checks since then: cached results are outdated. */
  readonly forget?: ((looksBefore: number) => void) | undefined;
}

/** Runs one step, from the first check to the last. Never rejects: a failure is in the report. */
export async function runStep(planned: PlannedStep, direction: Phase['direction'], run: StepRun): Promise<StepReport> {
  const { clock, signal, emit, limiter, stopping } = run;
  const { step, after } = planned;
  const { id, title } = step;
  const startedAt = clock.now();
  const noted: { finding?: Finding; workedAt?: number; turnFrom?: string; removed?: string; waitedMs: number } = {
    waitedMs: 0,
  };
  let over = false;
  const context: StepContext = {
    signal,
    // Messages after the step has ended are dropped.
    say: (text) => {
      if (!over) emit({ type: 'step-said', at: clock.now(), id, text });
    },
  };

  const ask = async (): Promise<boolean> => {
    const from = clock.now();
    if (limiter !== undefined) {
      const turn = await limiter.acquire(id, () =>
        emit({ type: 'step-waiting', at: clock.now(), id, resource: step.uses ?? '', limit: limiter.limit }),
      );
      if (turn === 'closed') return false;
      noted.waitedMs = clock.now() - from;
      if (noted.waitedMs > 0 && turn.from !== undefined) noted.turnFrom = turn.from;
    }
    noted.workedAt = clock.now();
    emit({ type: 'step-working', at: noted.workedAt, id });
    return true;
  };

  const apply = async (): Promise<Outcome> => {
    limiter?.reserve(id);
    noted.finding = await step.check(context);
    if (noted.finding === 'ready') return 'ready';
    if (stopping() || !(await ask())) return 'not-started';
    await step.apply(context);
    limiter?.release(id);
    // The work is done, but no check can succeed after an abort; the next run finds the step ready.
    if (signal.aborted) throw interrupted(`${title} was not checked again`);
    run.forget?.(0);
    noted.finding = await step.check(context);
    for (const [looks, pause] of RECHECK_DELAYS_MS.entries()) {
      if (noted.finding === 'ready') break;
      await clock.sleep(pause, signal);
      run.forget?.(looks + 1);
      noted.finding = await step.check(context);
    }
    if (noted.finding !== 'ready') throw notConverged(title, noted.finding);
    return 'changed';
  };

  const remove = async (): Promise<Outcome> => {
    if (!(await ask())) return 'not-started';
    const removal = await step.remove?.(context);
    if (typeof removal === 'object') noted.removed = removal.removed;
    return removal === 'absent' ? 'ready' : 'changed';
  };

  const report = (outcome: Outcome, error?: CliError): StepReport => {
    over = true;
    const ended: StepReport = {
      id,
      title,
      direction,
      outcome,
      after,
      queuedAt: startedAt,
      startedAt,
      endedAt: clock.now(),
      ...noted,
      ...(error === undefined ? {} : { error }),
    };
    const at = clock.now();
    const ms = at - startedAt - noted.waitedMs;
    const { removed } = noted;
    if (outcome === 'ready' || outcome === 'changed')
      emit({ type: 'step-done', at, id, outcome, ms, ...(removed === undefined ? {} : { removed }) });
    else if (outcome === 'not-started') emit({ type: 'step-left', at, id });
    else if (error !== undefined) emit({ type: 'step-failed', at, id, outcome, ms, error });
    return ended;
  };

  emit({ type: 'step-queued', at: startedAt, id });
  emit({ type: 'step-started', at: startedAt, id });
  try {
    return report(await (direction === 'apply' ? apply() : remove()));
  } catch (thrown) {
    if (isInterrupt(thrown, signal)) return report('interrupted', interrupted(`${title} was interrupted`));
    return report('failed', run.explain(thrown));
  } finally {
    limiter?.release(id);
  }
}

function notConverged(title: string, finding: Finding): CliError {
  return new CliError('not-converged', {
    message: sentence(`${title} was applied, but is still not ready: ${findingText(finding)}`),
    hint: 'Re-run the same command; if that changes nothing, the log file shows every command with its output.',
  });
}
