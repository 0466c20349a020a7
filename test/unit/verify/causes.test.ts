import { describe, expect, it } from 'vitest';
import type { StepFinding } from '../../../src/plan/check.ts';
import type { Finding, Step } from '../../../src/plan/step.ts';
import { firstCommand } from '../../../src/verify/advice.ts';
import { causeOf, failedNeed, firstCause } from '../../../src/verify/causes.ts';
import type { Check } from '../../../src/verify/check.ts';
import { CHECKS, withNeeds } from '../../../src/verify/checks.ts';
import { requestsFor, versionIn } from '../../../src/verify/versions-seen.ts';
import type { CheckResult } from '../../../src/verify/check.ts';
import { kubeObject } from '../../support/kube.ts';

const check = (name: string, needs: readonly string[] = [], explainedBy: readonly string[] = []): Check => ({
  name,
  title: name,
  needs,
  explainedBy,
  commands: [],
  run: async () => ({ ok: true, evidence: '' }),
});
const result = (name: string, outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult => ({
  name,
  title: name,
  ok: outcome === 'passed',
  outcome,
  evidence: '',
  durationMs: 0,
  ...(outcome === 'passed' ? {} : { cause: name }),
  ...more,
});
const failed = { ok: false, evidence: '' };

describe('needs of checks', () => {
  it('are checks that come earlier', () => {
    for (const [place, { needs, explainedBy = [] }] of CHECKS.entries()) {
      const earlier = CHECKS.slice(0, place).map(({ name }) => name);
      expect(earlier).toEqual(expect.arrayContaining([...needs, ...explainedBy]));
    }
  });

  it('are added to the named checks, and none of them writes', () => {
    const names = withNeeds(CHECKS.filter(({ name }) => name === 'mesh-to-vm')).map(({ name }) => name);
    expect(names).toEqual(['nodes', 'sidecar', 'sample', 'registration', 'mesh-to-vm']);
    for (const { needs } of CHECKS) {
      for (const need of needs) expect(CHECKS.find(({ name }) => name === need)?.mutatesLab).toBeUndefined();
    }
  });

  it('block the checks that need them, unless they allow those to run', () => {
    const one = check('one', ['base']);
    expect(failedNeed(one, [result('base', 'passed')])).toBeUndefined();
    expect(failedNeed(one, [result('base', 'failed')])?.name).toBe('base');
    expect(failedNeed(one, [result('base', 'failed', { blocks: [] })])).toBeUndefined();
    expect(failedNeed(one, [result('base', 'failed', { blocks: ['one'] })])?.name).toBe('base');
    expect(
      failedNeed(check('two', ['one']), [result('base', 'failed'), result('one', 'skipped', { cause: 'base' })])?.name,
    ).toBe('base');
  });
});

describe('the cause of a failure', () => {
  it('is the check that explains it, or the failed check itself when it is certain', () => {
    const results = [result('base', 'failed', { blocks: [] }), result('middle', 'failed', { cause: 'base' })];
    expect(causeOf(check('one', [], ['middle']), failed, undefined, results)).toBe('base');
    expect(causeOf(check('one', [], ['middle']), { ...failed, certain: true }, undefined, results)).toBe('one');
    expect(causeOf(check('one', [], ['other']), failed, undefined, results)).toBe('one');
  });

  it('comes first when most failures depend on it', () => {
    const results = [
      result('alone', 'failed'),
      result('base', 'failed'),
      result('one', 'skipped', { cause: 'base' }),
      result('two', 'failed', { cause: 'base' }),
    ];
    expect(firstCause(results)?.name).toBe('base');
    expect(firstCause([result('alone', 'failed'), result('other', 'failed')])?.name).toBe('alone');
    expect(firstCause([result('fine', 'passed')])).toBeUndefined();
  });
});

describe('advice from the steps', () => {
  const step = (id: string, command: string, needs: readonly string[] = []): Step => ({
    id,
    title: id,
    needs,
    command,
    tools: [],
    expectMs: 1,
    check: async () => 'ready',
    apply: async () => undefined,
  });
  const steps = [
    step('vm', 'vm'),
    step('cluster', 'cluster'),
    step('group', 'group', ['cluster', 'vm']),
    step('package', 'sidecar', ['vm']),
    step('sidecar', 'sidecar', ['package', 'group']),
  ];
  const stepFindings = (findings: Readonly<Record<string, Finding>>): readonly StepFinding[] =>
    steps.map((each) => ({ step: each, finding: findings[each.id] ?? 'ready' }));
  const missing = { missing: 'no' };

  it('is empty when every step is ready', () => {
    expect(firstCommand(steps, stepFindings({}), ['sidecar'])).toBeUndefined();
    expect(firstCommand(steps, stepFindings({ cluster: missing }), ['vm'])).toBeUndefined();
  });

  it('is the command of the first missing step in the order of needs', () => {
    expect(firstCommand(steps, stepFindings({ sidecar: missing, group: missing }), ['sidecar'])).toBe(
      'istio-vms group',
    );
    expect(firstCommand(steps, stepFindings({ sidecar: missing, vm: missing }), ['sidecar'])).toBe('istio-vms vm');
  });

  it('is never a command that would be refused', () => {
    // The package alone could be created, but its command also creates the sidecar, which needs the group.
    expect(firstCommand(steps, stepFindings({ package: missing, group: missing }), ['sidecar'])).toBe(
      'istio-vms group',
    );
  });
});

describe('the number of requests that find every version', () => {
  const pods = (...versions: string[]) =>
    versions.map((version, index) => kubeObject('Pod', { name: `p${index}`, labels: { version } }));

  it.each([
    [['v1', 'v2'], 75],
    [['v1', 'v1', 'v1', 'v2'], 332],
    [['v1'], 8],
    [[], 8],
  ])('is right for %j: %i', (versions, count) => expect(requestsFor(pods(...versions))).toBe(count));

  it('is so high that a version is missed at most once in 10^9 runs', () => {
    for (const versions of [
      ['v1', 'v2'],
      ['v1', 'v1', 'v2'],
      ['v1', 'v2', 'v2', 'v2', 'v2'],
    ]) {
      const least = Math.min(...['v1', 'v2'].map((name) => versions.filter((each) => each === name).length));
      const miss = 2 * (1 - (least / versions.length) ** 2) ** requestsFor(pods(...versions));
      expect(miss).toBeLessThanOrEqual(1e-9);
    }
  });

  it.each([
    ['Hello version: v1, instance: helloworld-v1-x', 'v1'],
    ['Hello version: v3, instance: y', undefined],
    ['no healthy upstream', undefined],
  ])('finds the version in: %s', (body, version) => expect(versionIn(body)).toBe(version));
});
