import { describe, expect, it } from 'vitest';
import { stripVTControlCharacters } from 'node:util';
import { CliError } from '../../../src/errors/cli-error.ts';
import type { RunEvent } from '../../../src/plan/events.ts';
import { lengthOf } from '../../../src/ui/wrap.ts';
import { createStyles } from '../../../src/ui/styles.ts';
import { updateTree, EMPTY_TREE, treeLines, type Frame, type TreeEvent } from '../../../src/ui/tree-lines.ts';
import { createTreeReporter } from '../../../src/ui/tree.ts';

const paint = createStyles(false);
const error = new CliError('tool-failed', { message: 'No.' });
const titles = ['Machine master', 'Machine of quite some name', 'istioctl 1.19.3', 'k3s server', 'Kubeconfig', 'Nodes'];
const events: readonly RunEvent[] = [
  { type: 'run-started', at: 0, direction: 'apply', steps: titles.map((title, n) => ({ id: `s${n}`, title })) },
  { type: 'step-queued', at: 0, id: 's0' },
  { type: 'step-started', at: 0, id: 's0' },
  { type: 'step-working', at: 1000, id: 's0' },
  { type: 'step-said', at: 2000, id: 's0', text: 'waiting for cloud-init:\n  still running its modules' },
  { type: 'step-started', at: 0, id: 's1' },
  { type: 'step-waiting', at: 500, id: 's1', resource: 'LAUNCHES', limit: 2 },
  { type: 'step-started', at: 0, id: 's2' },
  { type: 'step-done', at: 10, id: 's2', outcome: 'ready', ms: 10 },
  { type: 'step-started', at: 0, id: 's3' },
  { type: 'step-done', at: 144_000, id: 's3', outcome: 'changed', ms: 144_000 },
];
const treeAfter = (...more: RunEvent[]) => [...events, ...more].reduce(updateTree, EMPTY_TREE);
const frame = (columns: number, more: Partial<Frame> = {}): Frame => ({
  columns,
  now: 31_000,
  spinner: '*',
  paint,
  ...more,
});

describe('the lines of the tree', () => {
  it('show checks with their outcome', () => {
    const events: readonly TreeEvent[] = [
      { type: 'checks-started', at: 0, checks: ['a', 'b', 'c', 'd'].map((id) => ({ id, title: `check ${id}` })) },
      { type: 'check-started', at: 0, id: 'a' },
      { type: 'check-done', at: 200, id: 'a', outcome: 'passed', ms: 200, evidence: '3 of 3' },
      { type: 'check-started', at: 200, id: 'b' },
      { type: 'check-done', at: 1200, id: 'b', outcome: 'failed', ms: 1000, evidence: 'no answer' },
      { type: 'check-started', at: 1200, id: 'c' },
      { type: 'check-done', at: 1200, id: 'c', outcome: 'skipped', ms: 0, evidence: 'skipped: b failed' },
    ];
    expect(treeLines(events.reduce(updateTree, EMPTY_TREE), frame(40))).toEqual([
      '✔ check a  0.2s',
      '✖ check b  failed after 1.0s',
      '    no answer',
      '– check c  skipped',
      '· check d',
    ]);
    const finished = [...events, { type: 'checks-finished', at: 1200 } as const].reduce(updateTree, EMPTY_TREE);
    expect(treeLines(finished, frame(40)).at(-1)).toBe('· 1 check not started');
  });

  it('show the state of each step', () => {
    expect(treeLines(treeAfter(), frame(100))).toEqual([
      '* Machine master  30s  waiting for cloud-init: still running its modules',
      '· Machine of quite some name  queued (LAUNCHES=2)',
      '✔ istioctl 1.19.3  unchanged',
      '✔ k3s server  2m24s',
      '· Kubeconfig',
      '· Nodes',
    ]);
  });

  it('shorten messages, then titles, but never the times', () => {
    expect(treeLines(treeAfter(), frame(40))).toEqual([
      '* Machine master  30s  waiting for clo…',
      '· Machine of quit…  queued (LAUNCHES=2)',
      '✔ istioctl 1.19.3  unchanged',
      '✔ k3s server  2m24s',
      '· Kubeconfig',
      '· Nodes',
    ]);
    expect(treeLines(treeAfter(), frame(40))[1]).toBe('· Machine of quit…  queued (LAUNCHES=2)');
  });

  it('are never wider than the terminal', () => {
    for (let columns = 12; columns < 90; columns++) {
      for (const line of treeLines(treeAfter(), frame(columns, { note: 'Finishing operations in flight.' }))) {
        expect(lengthOf(line)).toBeLessThan(columns);
      }
    }
  });

  it('are summarized on a terminal with few rows', () => {
    expect(treeLines(treeAfter(), frame(60, { rows: 7, note: 'Finishing.' }))).toEqual([
      '· 2 steps done',
      '* Machine master  30s  waiting for cloud-init: still runni…',
      '· Machine of quite some name  queued (LAUNCHES=2)',
      '· 2 steps to come',
      'Finishing.',
    ]);
  });

  describe('the error of a failed step, while others still run', () => {
    const failedWith = (message: string): RunEvent => {
      const facts = new CliError('tool-failed', { message });
      return { type: 'step-failed', at: 9000, id: 's3', outcome: 'failed', ms: 9000, error: facts };
    };
    const pull = failedWith('Pod istiod-1 cannot start: ErrImagePull,\n  the registry refused the connection.');

    it('is shown below the step, wrapped to the terminal', () => {
      expect(treeLines(treeAfter(pull), frame(50)).slice(3, 6)).toEqual([
        '✖ k3s server  failed after 9.0s',
        '    Pod istiod-1 cannot start: ErrImagePull, the',
        '    registry refused the connection.',
      ]);
    });

    it('has at most three lines, the last one shortened', () => {
      const lines = treeLines(treeAfter(failedWith('word '.repeat(100))), frame(40));
      expect(lines).toHaveLength(titles.length + 3);
      expect(lines[6]).toMatch(/^ {4}word .*…$/);
      for (let columns = 12; columns < 90; columns++) {
        for (const line of treeLines(treeAfter(pull), frame(columns))) expect(lengthOf(line)).toBeLessThan(columns);
      }
    });

    it('comes first on a terminal with few rows', () => {
      expect(treeLines(treeAfter(pull), frame(60, { rows: 8 }))).toEqual([
        '· 1 step done',
        '✖ k3s server  failed after 9.0s',
        '    Pod istiod-1 cannot start: ErrImagePull, the registry',
        '    refused the connection.',
        '* Machine master  30s  waiting for cloud-init: still runni…',
        '· 3 steps to come',
      ]);
    });

    it('is not shown at the end, when the error screen shows it', () => {
      const end = treeAfter(pull, { type: 'run-finished', at: 9000, direction: 'apply', steps: [] });
      expect(treeLines(end, frame(100)).join('\n')).not.toContain('ErrImagePull');
    });
  });

  it('end with every step that was started, and the number of the others', () => {
    const end = treeAfter(
      { type: 'step-failed', at: 9000, id: 's0', outcome: 'failed', ms: 9000, error },
      { type: 'step-left', at: 9000, id: 's1' },
      { type: 'step-failed', at: 9000, id: 's4', outcome: 'interrupted', ms: 2000, error },
      { type: 'run-finished', at: 9000, direction: 'apply', steps: [] },
    );
    expect(treeLines(end, frame(100))).toEqual([
      '✖ Machine master  failed after 9.0s',
      '✔ istioctl 1.19.3  unchanged',
      '✔ k3s server  2m24s',
      '◼ Kubeconfig  interrupted after 2.0s',
      '· 2 steps not started',
    ]);
  });
});

/** A terminal that records its output. */
function createTerminal(columns: number) {
  const written: string[] = [];
  const stream = { columns, rows: 24, isTTY: true, write: (text: string) => written.push(text) > 0 };
  const write = stream.write;
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    written,
    restored: () => stream.write === write,
    text: () => stripVTControlCharacters(written.join('')),
  };
}

describe('the tree on a terminal', () => {
  const phase = (direction: 'apply' | 'remove'): RunEvent[] => [
    { type: 'run-started', at: 0, direction, steps: [{ id: 'a', title: 'Thing a' }] },
    { type: 'step-started', at: 0, id: 'a' },
    { type: 'step-done', at: 60_000, id: 'a', outcome: 'changed', ms: 60_000 },
    { type: 'run-finished', at: 60_000, direction, steps: [] },
  ];

  it('shows the time of the run, its two phases, and later warnings', async () => {
    const terminal = createTerminal(80);
    const reporter = createTreeReporter({ stream: terminal.stream, paint, clock: { now: () => 0 } });
    reporter.event({ type: 'notice', at: 0, text: 'Rehearsal.' });
    phase('remove').forEach(reporter.event);
    reporter.event({ type: 'warning', at: 0, text: 'Old.' });
    phase('apply').forEach(reporter.event);
    await reporter.finish();
    // A real terminal overwrites each frame with the next one; this one records all of them.
    const lines = terminal.text().split('\n');
    expect(lines.filter((line, place) => line !== lines[place - 1])).toEqual([
      'Rehearsal.',
      '✔ Thing a  deleted in 1m',
      '✔ Thing a  1m',
      'Old.',
      '',
    ]);
    expect(terminal.restored()).toBe(true);
  });

  it('holds back other output, and restores the terminal when it is abandoned', async () => {
    const terminal = createTerminal(80);
    const reporter = createTreeReporter({ stream: terminal.stream, paint, clock: { now: () => 5000 } });
    phase('apply').slice(0, 2).forEach(reporter.event);
    await expect.poll(terminal.restored).toBe(false);
    terminal.stream.write('stray\n');
    reporter.event({ type: 'warning', at: 0, text: 'Old.' });
    expect(terminal.text()).not.toContain('stray');
    reporter.abandon();
    expect(terminal.restored()).toBe(true);
    expect(terminal.written.join('')).toContain('\u001b[?25h');
    expect(terminal.text()).toMatch(/Thing a {2}5\.0s\n[^]*stray\n[^]*Old\.\n$/);
  });
});
