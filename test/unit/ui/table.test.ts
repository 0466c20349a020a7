import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/plan/report.ts';
import { createStyles } from '../../../src/ui/styles.ts';
import { summarize } from '../../../src/ui/summary.ts';
import { renderTable } from '../../../src/ui/table.ts';

const paint = createStyles(false);
const head = ['check', 'result', 'evidence'];
const rows = [
  ['nodes', 'passed', '3 of 3 nodes are Ready'],
  ['vm-to-mesh', 'failed', 'helloworld.sample.svc answered 503: no healthy upstream was found'],
  ['dns', 'passed', ''],
];

describe('a table', () => {
  it('has no borders and no trailing blanks', () => {
    expect(renderTable({ head, rows, width: 100, paint })).toBe(
      [
        'check       result  evidence',
        'nodes       passed  3 of 3 nodes are Ready',
        'vm-to-mesh  failed  helloworld.sample.svc answered 503: no healthy upstream was found',
        'dns         passed',
        '',
      ].join('\n'),
    );
  });

  it('wraps its widest column on a narrow terminal', () => {
    expect(renderTable({ head, rows, width: 50, paint })).toBe(
      [
        'check       result  evidence',
        'nodes       passed  3 of 3 nodes are Ready',
        'vm-to-mesh  failed  helloworld.sample.svc',
        '                    answered 503: no healthy',
        '                    upstream was found',
        'dns         passed',
        '',
      ].join('\n'),
    );
  });

  it('becomes a list when its columns would be unreadable', () => {
    expect(renderTable({ head, rows: rows.slice(1), width: 24, paint })).toBe(
      [
        'vm-to-mesh',
        '  result: failed',
        '  evidence: helloworld.',
        '            sample.svc',
        '            answered',
        '            503: no',
        '            healthy',
        '            upstream',
        '            was found',
        'dns',
        '  result: passed',
        '',
      ].join('\n'),
    );
  });

  it('is never wider than the terminal, and is not wrapped without one', () => {
    for (let width = 24; width < 110; width++) {
      for (const line of renderTable({ head, rows, width, paint }).split('\n'))
        expect(Array.from(line).length).toBeLessThan(width);
    }
    expect(renderTable({ rows: [['x'.repeat(300)]], width: 0, paint })).toBe(`${'x'.repeat(300)}\n`);
  });

  it('colors line by line, and removes control characters', () => {
    const color = createStyles(true);
    const painted = renderTable({ rows: [['a', { text: 'one two', paint: color.error }]], width: 12, paint: color });
    expect(painted.split('\n').filter((line) => line.includes('\u001b[31m'))).toHaveLength(1);
    expect(renderTable({ rows: [['a\u001b[2Jb']], width: 80, paint })).toBe('ab\n');
  });
});

describe('the summary', () => {
  const report = (more: Partial<RunReport>): RunReport => ({
    kind: 'apply',
    steps: Array.from({ length: 21 }, (_, n) => ({
      id: `s${n}`,
      title: `S${n}`,
      direction: n < 5 ? ('remove' as const) : ('apply' as const),
      outcome: 'changed' as const,
      after: [],
      waitedMs: 0,
    })),
    startedAt: 0,
    endedAt: 144_000,
    makespanMs: 144_000,
    criticalPath: ['master', 'k3s-server', 'istio'],
    criticalPathMs: 140_000,
    changed: 12,
    ...more,
  });

  it('reports the changes, the duration and the critical path', () => {
    expect(summarize(report({}), { paint, width: 80 })).toEqual([
      '12 steps applied, 9 unchanged (2m24s).',
      'Critical path: master → k3s-server → istio',
    ]);
    expect(summarize(report({ kind: 'delete' }), { paint, width: 0 })[0]).toBe(
      '12 resources deleted, 9 not found (2m24s).',
    );
    expect(summarize(report({ kind: 'recreate' }), { paint, width: 0 })[0]).toBe(
      '5 resources deleted, 16 steps applied (2m24s).',
    );
  });

  it('names what was deleted on the critical path before it was created again', () => {
    const step = (id: string, direction: 'remove' | 'apply', endedAt: number, after: readonly string[] = []) => ({
      ...{ id, title: id, direction, outcome: 'changed' as const, after, waitedMs: 0 },
      ...{ startedAt: endedAt - 1, endedAt },
    });
    const steps = [
      step('worker-2', 'remove', 1),
      step('master', 'remove', 2, ['worker-2']),
      step('master', 'apply', 9),
    ];
    const recreated = report({ kind: 'recreate', steps, criticalPath: ['worker-2', 'master', 'master'] });
    expect(summarize(recreated, { paint, width: 0 })[1]).toBe(
      'Critical path: delete worker-2 → delete master → master',
    );
  });

  it('reports that nothing changed', () => {
    expect(summarize(report({ changed: 0 }), { paint, width: 80 })).toEqual([
      'Everything is up to date; nothing changed.',
    ]);
    expect(summarize(report({ changed: 0, kind: 'delete' }), { paint, width: 80 })).toEqual(['Nothing to delete.']);
  });
});
