import type { CommandRecord } from '../../../../src/ui/report/record.ts';
import type { Failure, ReportData, ReportedStep } from '../../../../src/ui/report/report-data.ts';

/** 2026-11-23T12:00:00Z. */
export const NOON = Date.UTC(2026, 10, 23, 12);

type TextTransform = (text: string) => string;

/**
 * Data of a small run: two machines with one launch at a time, a cluster, a step that was already ready, a failed step
 * and a step that was not started because of it.
 * @param transform applied to every text that may come from outside
 */
export function reportFixture(transform: TextTransform = (text) => text, more: Partial<ReportData> = {}): ReportData {
  const steps: readonly ReportedStep[] = [
    step('master', transform('machine master'), { startedAt: 0, workedAt: 500, endedAt: 60_000 }),
    step('vm', transform('machine vm'), {
      startedAt: 0,
      workedAt: 60_000,
      endedAt: 90_000,
      waitedMs: 59_500,
      turnFrom: 'master',
    }),
    step('istioctl', transform('istioctl'), { outcome: 'ready', startedAt: 0, endedAt: 200 }),
    step('k3s', transform('k3s'), {
      outcome: 'failed',
      after: ['master'],
      startedAt: 60_000,
      workedAt: 60_400,
      endedAt: 120_000,
      failure: aFailure(transform),
    }),
    step('istio', transform('Istio'), { outcome: 'not-started', after: ['k3s', 'istioctl'] }),
  ];
  return {
    version: '1.2.3',
    commandLine: transform('istio-vms up'),
    kind: 'apply',
    startedAt: NOON,
    endedAt: NOON + 125_000,
    rehearsal: false,
    facts: [['Lab', transform('lab')]],
    warnings: [transform('Istio is old.')],
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
        title: transform('all nodes are Ready'),
        outcome: 'passed',
        evidence: transform('one node'),
        durationMs: 100,
      },
      {
        name: 'dns',
        title: transform('DNS answers'),
        outcome: 'failed',
        evidence: transform('SERVFAIL'),
        hint: transform('istio-vms bootstrap'),
        durationMs: 400,
      },
    ],
    commands: [
      aCommand({
        owner: 'apply/master',
        text: transform('multipass launch --name master'),
        effect: 'write',
        endedAt: 59_000,
      }),
      aCommand({
        owner: 'apply/k3s',
        text: transform('multipass exec -n master'),
        exitCode: 21,
        failure: 'exit',
        stderr: transform('no space left'),
      }),
      aCommand({
        owner: 'prove/dns',
        text: transform('multipass exec -n vm wrapped'),
        onMachine: { name: transform('vm'), text: transform('resolve istiod') },
      }),
      aCommand({ text: transform('multipass version') }),
    ],
    messages: [{ owner: 'apply/master', at: NOON + 600, text: transform('launching master') }],
    failure: aFailure(transform),
    ...more,
  };
}

/** A step whose times are given relative to the start of the run. */
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

function aFailure(transform: TextTransform): Failure {
  return {
    reason: 'disk-full',
    exitCode: 5,
    message: transform('The disk of master is full'),
    details: [transform('It has 4G')],
    command: transform('multipass exec'),
    stderrTail: transform('no space left'),
    hint: transform('Raise DISK_MASTER'),
  };
}
