import { describe, expect, it } from 'vitest';
import { brokenBars, figuresOf, figuresTable } from '../../acceptance/mesh/figures.ts';

const LOG = `2026-11-28T12:00:00.000Z  #1 read $ incus list
2026-11-28T12:00:01.000Z  #2 write (istio) $ /opt/.bin/istioctl install
2026-11-28T12:00:02.000Z  #1 exit 0 after 2.0s
    | 2026-11-28T12:00:02.000Z  #9 read $ not-a-command
2026-11-28T12:00:05.000Z  #2 exit 0 after 4.0s
2026-11-28T12:00:05.500Z  k3s-agent-1       done in 3.0s
2026-11-28T12:00:06.000Z  istio             done in 5.0s
2026-11-28T12:00:07.000Z  #3 read $ kubectl get pods
2026-11-28T12:00:10.000Z  #3 kubectl ended with exit code 1 after 3.0s
`;

describe('figures of a cold up', () => {
  it('count processes, and the time without a command in flight', () => {
    expect(figuresOf(LOG, ['k3s-agent-1', 'istio'])).toEqual({
      makespan: 10_000,
      idle: 2_000,
      // k3s-agent-1 ran no command, istio ran none after it, and #3 ran after both steps.
      tools: 3_000,
      nodes: 5_500,
      controlPlane: 6_000,
      joined: undefined,
      processes: { incus: 1, istioctl: 1, kubectl: 1 },
    });
  });

  it('name the limits that are exceeded', () => {
    expect(brokenBars(figuresOf(LOG, ['istio']))).toEqual([
      'no command was in flight for 20.0 % of the time, more than 5 %',
      '1.43 times the time of the tools on the critical path, more than 1.15',
    ]);
    const kept = { ...figuresOf(LOG), idle: 400, tools: 9_000, processes: { kubectl: 41 } };
    expect(brokenBars(kept)).toEqual(['41 kubectl processes, more than 40']);
  });

  it('are shown as a table', () => {
    expect(figuresTable(figuresOf(LOG))).toContain('| no command in flight | 2.0 s (20.0 %) |');
  });
});
