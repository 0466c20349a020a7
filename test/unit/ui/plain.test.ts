import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { chooseReporter } from '../../../src/ui/choose-reporter.ts';
import { createPlainReporter } from '../../../src/ui/plain.ts';
import { combineReporters, createSilentReporter, type ReporterEvent } from '../../../src/ui/reporter.ts';

const at = Date.UTC(2026, 0, 1, 12, 0, 0);
const events: readonly ReporterEvent[] = [
  { type: 'warning', at, text: 'Istio 1.19 is old.' },
  { type: 'run-started', at, direction: 'apply', steps: [{ id: 'vm', title: 'The VM' }] },
  { type: 'step-queued', at, id: 'vm' },
  { type: 'step-started', at, id: 'vm' },
  { type: 'step-waiting', at, id: 'vm', resource: 'LAUNCHES', limit: 2 },
  { type: 'step-working', at: at + 1000, id: 'vm' },
  { type: 'step-said', at: at + 1000, id: 'vm', text: 'fetching: 1.5 of 30 MB' },
  { type: 'step-said', at: at + 2000, id: 'vm', text: 'fetching: 2 of 30 MB' },
  { type: 'step-said', at: at + 12_000, id: 'vm', text: 'fetching: 20 of 30 MB' },
  { type: 'step-said', at: at + 12_500, id: 'vm', text: 'booting' },
  { type: 'step-done', at: at + 60_000, id: 'vm', outcome: 'changed', ms: 59_000 },
  { type: 'step-done', at: at + 60_000, id: 'k3s', outcome: 'ready', ms: 100 },
  { type: 'step-left', at: at + 60_000, id: 'route' },
  {
    type: 'step-failed',
    at: at + 61_000,
    id: 'k3s-agent-1',
    outcome: 'failed',
    ms: 1000,
    error: new CliError('tool-failed', { message: 'It said:\n  no.' }),
  },
  {
    type: 'step-failed',
    at: at + 61_000,
    id: 'nodes',
    outcome: 'interrupted',
    ms: 1000,
    error: new CliError('interrupted', { message: 'x' }),
  },
  { type: 'run-finished', at: at + 61_000, direction: 'apply', steps: [] },
];

const lines = (events: readonly ReporterEvent[], verbose = false): readonly string[] => {
  const written: string[] = [];
  const reporter = createPlainReporter({ write: (text) => void written.push(text), verbose });
  events.forEach(reporter.event);
  return written.join('').trimEnd().split('\n');
};

describe('plain lines', () => {
  it('show the messages of a run with the time, but not every update of the progress', () => {
    expect(lines(events)).toEqual([
      '12:00:00Z  warning           Istio 1.19 is old.',
      '12:00:00Z  vm                queued (LAUNCHES=2)',
      '12:00:01Z  vm                fetching: 1.5 of 30 MB',
      '12:00:12Z  vm                fetching: 20 of 30 MB',
      '12:00:12Z  vm                booting',
      '12:01:00Z  vm                done in 59s',
      '12:01:00Z  k3s               unchanged',
      '12:01:00Z  route             not started',
      '12:01:01Z  k3s-agent-1       failed after 1.0s: It said: no.',
      '12:01:01Z  nodes             interrupted after 1.0s',
    ]);
  });

  it('show every message when verbose', () => {
    expect(lines(events, true)).toContain('12:00:02Z  vm                fetching: 2 of 30 MB');
  });

  it('show checks with their outcome', () => {
    expect(
      lines([
        { type: 'checks-started', at, checks: [{ id: 'nodes', title: 'all nodes are Ready' }] },
        { type: 'check-started', at, id: 'nodes' },
        { type: 'check-said', at, id: 'nodes', text: 'waiting for the node' },
        { type: 'check-done', at, id: 'nodes', outcome: 'passed', ms: 200, evidence: '3 of 3' },
        { type: 'check-done', at, id: 'dns', outcome: 'failed', ms: 1000, evidence: 'no answer' },
        { type: 'check-done', at, id: 'sidecar', outcome: 'skipped', ms: 0, evidence: 'skipped: dns failed' },
        { type: 'checks-finished', at },
      ]),
    ).toEqual([
      '12:00:00Z  nodes             waiting for the node',
      '12:00:00Z  nodes             passed in 0.2s',
      '12:00:00Z  dns               failed after 1.0s: no answer',
      '12:00:00Z  sidecar           skipped: dns failed',
    ]);
  });

  it('describe a deletion', () => {
    expect(
      lines([
        { type: 'run-started', at, direction: 'remove', steps: [] },
        { type: 'step-done', at, id: 'vm', outcome: 'changed', ms: 4000 },
        { type: 'step-done', at, id: 'k3s', outcome: 'ready', ms: 0 },
        { type: 'step-done', at, id: 'istio', outcome: 'changed', ms: 0, removed: 'rendered manifests' },
      ]),
    ).toEqual([
      '12:00:00Z  vm                deleted in 4.0s',
      '12:00:00Z  k3s               not found',
      '12:00:00Z  istio             deleted rendered manifests in 0.0s',
    ]);
  });
});

describe('the chosen reporter', () => {
  const choose = (
    options: Parameters<typeof chooseReporter>[0],
    stderrIsTTY: boolean,
    env: Record<string, string> = {},
  ) => Object.values(chooseReporter(options, { stderrIsTTY, env })).join(' ');

  it.each([
    ['a tree on a terminal', {}, true, {}, 'tree true'],
    ['plain lines in a pipe', {}, false, {}, 'plain false'],
    ['plain lines in CI', {}, true, { CI: 'true' }, 'plain true'],
    ['a tree with CI=false', {}, true, { CI: 'false' }, 'tree true'],
    ['plain lines on a dumb terminal', {}, true, { TERM: 'dumb' }, 'plain false'],
    ['a tree without color', {}, true, { NO_COLOR: '1' }, 'tree false'],
    ['a tree with color when NO_COLOR is empty', {}, true, { NO_COLOR: '' }, 'tree true'],
    ['plain lines with color in a pipe when forced', {}, false, { FORCE_COLOR: '1' }, 'plain true'],
    ['a tree without color when FORCE_COLOR is 0', {}, true, { FORCE_COLOR: '0' }, 'tree false'],
    [
      'a tree without color when both NO_COLOR and FORCE_COLOR are set',
      {},
      true,
      { FORCE_COLOR: '1', NO_COLOR: '1' },
      'tree false',
    ],
    ['silent when quiet', { quiet: true, verbose: true }, true, {}, 'silent true'],
    ['plain lines when verbose', { verbose: true }, true, {}, 'plain true'],
    ['a tree with JSON output, which is on stdout', { output: 'json' as const }, true, {}, 'tree true'],
  ])('is %s', (_, options, tty, env, expected) => {
    expect(choose(options, tty, env as Record<string, string>)).toBe(expected);
  });
});

it('combined reporters get the same events, and a silent one writes nothing', async () => {
  const written: string[] = [];
  const plain = () => createPlainReporter({ write: (text) => void written.push(text) });
  const all = combineReporters(plain(), createSilentReporter(), plain());
  all.event({ type: 'notice', at, text: 'Hello.' });
  await all.finish();
  all.abandon();
  expect(written).toEqual(Array(2).fill('12:00:00Z                    Hello.\n'));
});
