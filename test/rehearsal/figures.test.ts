import { describe, expect, it } from 'vitest';
import { refusals, simulated, type RunResult } from './support/simulated.ts';

const { watch } = refusals();

/** The limits of a cold `up` with two workers. */
const MAX_KUBECTL = 40;
const MAX_IDLE_SHARE = 0.05;

const coldUp = async (launches: string): Promise<RunResult> => {
  const ran = await watch(simulated({ set: { WORKERS: '2', LAUNCHES: launches } })).up();
  expect(ran.report.error).toBeUndefined();
  return ran;
};

/** Milliseconds of a run in which no command was in flight. */
function idleMs({ commands, report }: RunResult): number {
  const spans = commands.map(({ startedAt, endedAt }) => [startedAt, endedAt] as const).sort((a, b) => a[0] - b[0]);
  let idle = 0;
  let until = report.startedAt;
  for (const [from, to] of spans) {
    idle += Math.max(0, from - until);
    until = Math.max(until, to);
  }
  return idle + Math.max(0, report.endedAt - until);
}

describe('a cold `up` with two workers', () => {
  it.each(['2', '4'])('with %s launches at a time calls kubectl at most 40 times', async (launches) => {
    const { commands } = await coldUp(launches);
    expect(commands.filter(({ command }) => command.file === 'kubectl').length).toBeLessThanOrEqual(MAX_KUBECTL);
  });

  // With all launches at once, no other command hides a pause.
  it.each(['2', '4'])(
    'with %s launches at a time is without a command in flight for at most 5 percent of the time',
    async (launches) => {
      const ran = await coldUp(launches);
      expect(idleMs(ran) / ran.report.makespanMs).toBeLessThanOrEqual(MAX_IDLE_SHARE);
    },
  );
});
