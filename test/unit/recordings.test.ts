import { quiet } from '../support/context.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CliError } from '../../src/errors/cli-error.ts';
import type { Reason } from '../../src/errors/reasons.ts';
import {
  parseAliases,
  parseInstances,
  parseNetwork,
  parseProfile,
  parseServer,
} from '../../src/machines/incus/json.ts';
import { lacksModules } from '../../src/machines/incus/modules.ts';
import { CommandError } from '../../src/system/command-error.ts';
import type { CommandResult, Processes } from '../../src/system/system.ts';
import { explain } from '../../src/system/explain.ts';
import { readProgress } from '../../src/tools/istioctl-progress.ts';
import { createIstioctl } from '../../src/tools/istioctl.ts';
import { parseObjects } from '../../src/kube/object.ts';
import { createKubectl } from '../../src/tools/kubectl.ts';
import type { Recording } from '../acceptance/mesh/recordings/recorder.ts';
import { fakeClock } from '../support/fake-clock.ts';

type Tool = 'kubectl' | 'istioctl' | 'incus' | 'guest';
interface Recorded extends Recording {
  readonly tool: Tool;
  readonly version: string;
  readonly name: string;
}

const FOLDER = 'test/recordings';
const all: readonly Recorded[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((each) => each.isDirectory())
  .flatMap(({ name: program }) => readdirSync(`${FOLDER}/${program}`).map((file) => read(program, file)));

function read(program: string, file: string): Recorded {
  const [, tool = '', version = ''] = /^([a-z]+)-(.*)$/.exec(program) ?? [];
  const recording = JSON.parse(readFileSync(`${FOLDER}/${program}/${file}`, 'utf8')) as Recording;
  return { ...recording, tool: tool as Tool, version, name: file.replace(/\.json$/, '') };
}

const titled = (recordings: readonly Recorded[]) =>
  recordings.map((each) => [`${each.tool} ${each.version} ${each.name}`, each] as const);
/** Recordings that were provoked one by one; the others were made while a lab was in use (test/rehearsal/recorded-lab.test.ts). */
const provoked = all.filter(({ name }) => !name.startsWith('lab-'));
const failures = provoked.filter(({ exitCode }) => exitCode !== 0);
const successes = provoked.filter(({ exitCode }) => exitCode === 0);
const ofIncus = all.filter(({ tool }) => tool === 'incus');

/** The reason that the user gets, and whether the program retries first. */
type Row = readonly [Reason, 'retried' | 'once'];

/** Expected of every command that needs the API server. */
const UNREACHABLE: Readonly<Record<string, Row>> = {
  'nothing-listens': ['api-unreachable', 'retried'],
  closes: ['api-unreachable', 'retried'],
  'closes-late': ['api-unreachable', 'retried'],
  resets: ['api-unreachable', 'retried'],
  hangs: ['api-unreachable', 'retried'],
  unavailable: ['api-unreachable', 'retried'],
  busy: ['api-unreachable', 'retried'],
  unauthorized: ['api-unreachable', 'once'],
  x509: ['api-unreachable', 'once'],
  'no-context': ['api-unreachable', 'once'],
  'no-file': ['api-unreachable', 'once'],
  forbidden: ['permission-denied', 'once'],
};
const unreachableCases = (verb: string): Record<string, Row> =>
  Object.fromEntries(Object.entries(UNREACHABLE).map(([name, row]) => [`${verb}-${name}`, row]));

const PLAIN: Row = ['tool-failed', 'once'];
const OVERLAY: Row = ['invalid-configuration', 'once'];
const EXPECTED: Readonly<Record<'kubectl' | 'istioctl', Readonly<Record<string, Row>>>> = {
  kubectl: {
    ...unreachableCases('get'),
    ...unreachableCases('apply'),
    'get-unknown-kind': PLAIN,
    'get-unknown-flag': PLAIN,
    'apply-unknown-kind': PLAIN,
    'apply-no-namespace': PLAIN,
    'apply-conflict': ['tool-failed', 'retried'],
    'apply-immutable': PLAIN,
    'apply-invalid': PLAIN,
    'apply-unknown-field': PLAIN,
    'apply-webhook-failing': ['tool-failed', 'retried'],
    'apply-terminating': PLAIN,
    'rollout-status-absent': PLAIN,
    'rollout-status-timeout': PLAIN,
    'scale-absent': PLAIN,
    'rollout-restart-absent': PLAIN,
    'wait-node-absent': PLAIN,
    'wait-node-timeout': PLAIN,
    'wait-health-absent': PLAIN,
    'wait-available-none': PLAIN,
    'wait-health-timeout': ['timed-out', 'once'],
    'drain-absent': PLAIN,
    'exec-absent': PLAIN,
    'logs-absent': PLAIN,
    'delete-unknown-kind': PLAIN,
    'delete-timeout': ['timed-out', 'once'],
  },
  istioctl: {
    ...unreachableCases('install'),
    ...unreachableCases('configure'),
    ...unreachableCases('tag-set'),
    'install-old': PLAIN,
    'install-overlay-unknown-field': OVERLAY,
    'install-overlay-unknown-value': OVERLAY,
    'install-overlay-unknown-component': OVERLAY,
    'install-overlay-wrong-type': OVERLAY,
    'install-overlay-two-documents': OVERLAY,
    'install-overlay-other-kind': OVERLAY,
    'install-overlay-profile': OVERLAY,
    'install-overlay-no-yaml': OVERLAY,
    'install-overlay-absent': OVERLAY,
    'install-unknown-flag': PLAIN,
    'install-not-ready': ['timed-out', 'once'],
    'install-immutable': PLAIN,
    'install-webhook-failing': ['tool-failed', 'retried'],
    'tag-set-no-revision': PLAIN,
    'configure-no-control-plane': PLAIN,
    'configure-no-root-certificate': ['tool-failed', 'retried'],
    'configure-no-service-account': PLAIN,
  },
};

const config = {
  context: 'c',
  paths: { kubeconfig: '/k', istioctl: '/b/istioctl' },
  istio: { revision: '1-30-4', cluster: 'test', namespace: 'istio-system' },
};

/** Gives the recorded result to every command of our program, and returns the reason and whether it retried. */
async function replay({ tool, exitCode, stdout, stderr }: Recorded): Promise<Row> {
  let calls = 0;
  const result: CommandResult = { exitCode, stdout, stderr, stdoutBytes: Buffer.from(stdout), durationMs: 1 };
  const processes: Processes = {
    run: (command) => {
      calls++;
      return Promise.reject(new CommandError(command, 'exit', result));
    },
  };
  const parts = { processes, clock: fakeClock(), config };
  const work = {
    kubectl: () => createKubectl(parts).apply([], quiet),
    istioctl: () => createIstioctl(parts).setDefaultTag(quiet),
  };
  const error = await work[tool as keyof typeof work]().then(
    () => expect.unreachable(),
    (thrown: unknown) => thrown as CliError,
  );
  return [error.reason, calls > 1 ? 'retried' : 'once'];
}

describe('recorded failures', () => {
  it.each(titled(failures))('are reported with the expected reason, and retried when expected: %s', async (_, each) => {
    expect(await replay(each)).toEqual(EXPECTED[each.tool as keyof typeof EXPECTED][each.name]);
  });

  it('exist for each row of the table', () => {
    for (const tool of ['kubectl', 'istioctl'] as const)
      expect([...new Set(failures.filter((each) => each.tool === tool).map(({ name }) => name))].sort()).toEqual(
        Object.keys(EXPECTED[tool]).sort(),
      );
  });
});

/** The first pattern that matches the command selects the parser of its answer. */
const PARSERS: readonly (readonly [RegExp, (stdout: string) => unknown])[] = [
  [/^incus alias /, parseAliases],
  [/^incus list /, parseInstances],
  [/^incus query .*\/1\.0\?/, parseServer],
  [/^incus query .*\/profiles\//, parseProfile],
  [/^incus query .*\/networks\/[^/]+\?/, parseNetwork],
];

const answering = (stdout: string): Processes => ({
  run: () => Promise.resolve({ exitCode: 0, stdout, stderr: '', stdoutBytes: Buffer.from(stdout), durationMs: 1 }),
});

describe('recorded answers', () => {
  it.each(titled(ofIncus.filter(({ exitCode }) => exitCode === 0)))('can be parsed: %s', (_, { argv, stdout }) => {
    const [, parser] = PARSERS.find(([form]) => form.test(argv.join(' '))) ?? [];
    if (parser === undefined) expect(['', '{']).toContain(stdout.slice(0, 1));
    else expect(parser(stdout)).toBeDefined();
  });

  it('of incus cover each parser, and the failed launch without kernel modules', () => {
    const lines = ofIncus.map(({ argv }) => argv.join(' '));
    for (const [form] of PARSERS)
      expect(
        lines.some((line) => form.test(line)),
        String(form),
      ).toBe(true);
    const failed = ofIncus.filter(({ exitCode }) => exitCode !== 0);
    expect(failed.length).toBeGreaterThan(0);
    for (const { exitCode, stdout, stderr } of failed) {
      const command = { file: 'incus', args: ['launch'], effect: 'write' } as const;
      const result = { exitCode, stdout, stderr, stdoutBytes: Buffer.from(stdout), durationMs: 1 };
      const error = new CommandError(command, 'exit', result);
      expect(lacksModules(error)).toBe(true);
      expect(explain(error).reason).toBe('tool-failed');
    }
  });

  it('of incus list give the address of the machine, and not of a bridge on it', () => {
    const list = ofIncus.find(({ argv }) => argv[1] === 'list');
    const [machine] = parseInstances(list?.stdout ?? '');
    expect(machine?.state).toBe('running');
    expect(machine?.addresses).toHaveLength(1);
  });

  it.each(titled(successes.filter(({ tool, name }) => tool === 'kubectl' && name.startsWith('get-'))))(
    'are lists of objects: %s',
    (_, { name, stdout }) => {
      const kinds = parseObjects(stdout).map(({ kind }) => kind);
      const expected: Readonly<Record<string, readonly string[]>> = {
        'get-one': ['Namespace'],
        'get-list': ['Namespace', 'Service', 'Deployment'],
        'get-absent': [],
        'get-selector': [],
      };
      expect([...new Set(kinds)]).toEqual(expected[name]);
    },
  );

  it.each(titled(successes.filter(({ name }) => name === 'version')))('give the version: %s', async (_, each) => {
    const parts = { processes: answering(each.stdout), clock: fakeClock(), config };
    const found =
      each.tool === 'kubectl' ? createKubectl(parts).clientVersion(quiet) : createIstioctl(parts).version(quiet);
    expect((await found)?.replace(/\+.*$/, '')).toBe(each.version);
  });

  it.each(titled(successes.filter(({ name }) => name === 'install')))('show progress: %s', (_, { stderr }) => {
    const kinds = stderr.split('\n').map((line) => readProgress(line)?.kind);
    expect(kinds.filter((kind) => kind !== undefined).length).toBeGreaterThan(3);
    expect(kinds).not.toContain('failed');
  });
});

describe('the recordings', () => {
  it.each(titled(all))('contain no secret: %s', (_, each) => {
    expect(JSON.stringify(each)).not.toMatch(
      /eyJ[\w-]{8,}\.[\w-]+\.|PRIVATE KEY|BEGIN CERT|LS0tLS1CRUdJTi|K10[0-9a-f]{16}/,
    );
  });

  it.each(titled(all))('state their date: %s', (_, { recordedAt }) => {
    expect(recordedAt).toMatch(/^\d{4}-\d\d-\d\d$/);
  });
});
