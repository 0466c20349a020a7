import type { CommandRecord } from '../../../../src/ui/report/record.ts';
import type { Failure, ReportData, ReportedStep } from '../../../../src/ui/report/report-data.ts';

/** 2026-11-23T12:00:00Z. */
export const NOON = Date.UTC(2026, 10, 23, 12);

type Words = (text: string) => string;

/**
 * The picture of a small run: two machines with one launch at a time, a cluster, something that was there already, one
 * failure and what it kept from beginning.
 * @param words is done to every text that comes from outside, and so may be anything
 */
export function reportFixture(words: Words = (text) => text, more: Partial<ReportData> = {}): ReportData {
  const steps: readonly ReportedStep[] = [
    step('master', words('machine master'), { startedAt: 0, workedAt: 500, endedAt: 60_000 }),
    step('vm', words('machine vm'), {
      startedAt: 0,
      workedAt: 60_000,
      endedAt: 90_000,
      waitedMs: 59_500,
      turnFrom: 'master',
    }),
    step('istioctl', words('istioctl'), { outcome: 'ready', startedAt: 0, endedAt: 200 }),
    step('k3s', words('k3s'), {
      outcome: 'failed',
      after: ['master'],
      startedAt: 60_000,
      workedAt: 60_400,
      endedAt: 120_000,
      failure: aFailure(words),
    }),
    step('istio', words('Istio'), { outcome: 'not-started', after: ['k3s', 'istioctl'] }),
  ];
  return {
    version: '1.2.3',
    commandLine: words('istio-vms up'),
    kind: 'apply',
    startedAt: NOON,
    endedAt: NOON + 125_000,
    rehearsal: false,
    facts: [['Lab', words('lab')]],
    warnings: [words('Istio is old.')],
    run: {
      kind: 'apply',
      steps,
      startedAt: NOON,
      endedAt: NOON + 120_000,
      makespanMs: 120_000,
      criticalPath: ['master', 'k3s'],
      criticalPathMs: 120_000,
      changed: 2,
    },
    checks: [
      {
        name: 'nodes',
        title: words('all nodes are Ready'),
        outcome: 'passed',
        evidence: words('one node'),
        durationMs: 100,
      },
      {
        name: 'dns',
        title: words('DNS answers'),
        outcome: 'failed',
        evidence: words('SERVFAIL'),
        hint: words('istio-vms bootstrap'),
        durationMs: 400,
      },
    ],
    commands: [
      aCommand({
        owner: 'apply/master',
        text: words('multipass launch --name master'),
        effect: 'write',
        endedAt: 59_000,
      }),
      aCommand({
        owner: 'apply/k3s',
        text: words('multipass exec -n master'),
        exitCode: 21,
        failure: 'exit',
        stderr: words('no space left'),
      }),
      aCommand({
        owner: 'prove/dns',
        text: words('multipass exec -n vm wrapped'),
        onMachine: { name: words('vm'), text: words('resolve istiod') },
      }),
      aCommand({ text: words('multipass version') }),
    ],
    messages: [{ owner: 'apply/master', at: NOON + 600, text: words('launching master') }],
    failure: aFailure(words),
    ...more,
  };
}

/** Times are given from the beginning of the run. */
export function step(
  id: string,
  title: string,
  { startedAt, workedAt, endedAt, queuedAt, ...more }: Partial<ReportedStep>,
): ReportedStep {
  const times = { queuedAt: queuedAt ?? startedAt, startedAt, workedAt, endedAt };
  const known = Object.entries(times).flatMap(([name, at]) => (at === undefined ? [] : [[name, NOON + at]]));
  return {
    id,
    title,
    direction: 'apply',
    outcome: 'changed',
    after: [],
    waitedMs: 0,
    ...more,
    ...Object.fromEntries(known),
  };
}

export function aCommand({ startedAt = 0, endedAt = 100, ...more }: Partial<CommandRecord>): CommandRecord {
  return {
    text: 'kubectl get nodes',
    effect: 'read',
    exitCode: 0,
    ...more,
    startedAt: NOON + startedAt,
    endedAt: NOON + endedAt,
  };
}

function aFailure(words: Words): Failure {
  return {
    reason: 'disk-full',
    exitCode: 5,
    message: words('The disk of master is full'),
    details: [words('It has 4G')],
    command: words('multipass exec'),
    stderrTail: words('no space left'),
    hint: words('Raise DISK_MASTER'),
  };
}
