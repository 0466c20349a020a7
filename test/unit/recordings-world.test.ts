import { readdirSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { knownIssue } from '../../src/errors/known-issues.ts';
import { controlPlane } from '../../src/kube/manifests/control-plane.ts';
import { eastWestGateway } from '../../src/kube/manifests/east-west-gateway.ts';
import { workloadGroup, workloadObjects } from '../../src/kube/manifests/workload.ts';
import { toYaml } from '../../src/kube/manifests/manifest.ts';
import { istioctl } from '../../src/rehearsal/host/istioctl.ts';
import { kubectl } from '../../src/rehearsal/host/kubectl.ts';
import type { Recording } from '../acceptance/mesh/recordings/recorder.ts';
import { readyLab, type Lab } from './rehearsal/cluster/lab.ts';

type Tool = 'kubectl' | 'istioctl';

const FOLDER = 'test/recordings';
const programs = readdirSync(FOLDER).filter((name) => /^(?:kubectl|istioctl)-/.test(name));
const object = (apiVersion: string, kind: string, name: string, rest: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'recorded' },
  ...rest,
});
const list = (...items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const deployment = (app: string, image = 'a'): object =>
  object('apps/v1', 'Deployment', 'd', {
    spec: {
      replicas: 1,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'a', image }] } },
    },
  });
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'recorded' } };

/** Prepares the simulated world like the recorded one, and returns the input on stdin. */
type Scene = (lab: Lab) => Promise<string | undefined>;
const withStdin =
  (stdin?: string): Scene =>
  () =>
    Promise.resolve(stdin);
const after =
  (work: (lab: Lab) => unknown, stdin?: string): Scene =>
  async (lab) => {
    await work(lab);
    return stdin;
  };

const CONFIG_MAP = list(object('v1', 'ConfigMap', 'a', { data: { a: 'b' } }));
const wrongUser = async (lab: Lab): Promise<void> => {
  const path = lab.config.paths.kubeconfig;
  const config = parse((await lab.files.readText(path)) ?? '') as { users: { user: Record<string, string> }[] };
  for (const { user } of config.users) user['client-certificate-data'] = 'd3Jvbmc=';
  await lab.files.write(path, stringify(config));
};
const nothingListens = (lab: Lab): Promise<void> => lab.writeKubeconfig(lab.cluster, '127.0.0.1');
const UNREACHABLE: Readonly<Record<string, (lab: Lab) => unknown>> = {
  'nothing-listens': nothingListens,
  unauthorized: wrongUser,
  x509: (lab) => lab.startCluster(),
  'no-context': () => undefined,
  'no-file': () => undefined,
};
const unreachableCases = (verb: string, stdin?: string): Record<string, Scene> =>
  Object.fromEntries(Object.entries(UNREACHABLE).map(([name, work]) => [`${verb}-${name}`, after(work, stdin)]));

const withDeployment: Scene = after(async (lab) => {
  await lab.apply(namespace, deployment('d', 'docker.io/istio/examples-helloworld-v1'));
  await lab.world.clock.advance(120_000);
});

const withHealth = (status: string): Scene =>
  after(async (lab) => {
    await lab.installIstio();
    await lab.apply(namespace);
    lab.cluster.store.put({
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'WorkloadEntry',
      metadata: { name: 'vm', namespace: 'recorded' },
      status: { conditions: [{ type: 'Healthy', status }] },
    });
  });

const operator = (spec: string): string =>
  `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata:\n  name: overlay\nspec:\n  ${spec}\n`;
const overlay = (name: string, text: string): Scene =>
  after((lab) => lab.files.write(`/lab/overlay-${name}.yaml`, text));

const SCENES: Readonly<Record<Tool, Readonly<Record<string, Scene>>>> = {
  kubectl: {
    ...unreachableCases('get'),
    ...unreachableCases('apply', CONFIG_MAP),
    'get-unknown-kind': withStdin(),
    'get-unknown-flag': withStdin(),
    'get-absent': withStdin(),
    'apply-unknown-kind': withStdin(list(object('networking.istio.io/v1', 'Gateway', 'a'))),
    'apply-no-namespace': withStdin(
      list({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'absent' } }),
    ),
    'apply-immutable': after((lab) => lab.apply(namespace, deployment('d')), list(deployment('other'))),
    'rollout-status-absent': withStdin(),
    'scale-absent': withStdin(),
    'rollout-restart-absent': withStdin(),
    'wait-node-absent': withStdin(),
    'wait-health-absent': withStdin(),
    'wait-health-timeout': withHealth('True'),
    'drain-absent': withStdin(),
    'exec-absent': withStdin(),
    'logs-absent': withStdin(),
    'delete-unknown-kind': withStdin(),
    'apply-namespace': withStdin(list(namespace)),
    apply: after((lab) => lab.apply(namespace), list(object('v1', 'ConfigMap', 'a', { data: {} }), deployment('d'))),
    version: withStdin(),
    'api-resources': withStdin(),
    'get-one': withStdin(),
    'get-list': withStdin(),
    'get-selector': withStdin(),
    delete: after((lab) => lab.apply(namespace, object('v1', 'ConfigMap', 'a', { data: {} }))),
    'delete-absent': after((lab) => lab.apply(namespace)),
    'wait-node': withStdin(),
    'wait-health': withHealth('False'),
    drain: withStdin(),
    'delete-pods': withStdin(),
    scale: withDeployment,
    'rollout-restart': withDeployment,
    'rollout-status': withDeployment,
    'wait-available': withDeployment,
    'wait-available-none': withStdin(),
    'rollout-status-timeout': after((lab) => lab.apply(namespace, deployment('d'))),
  },
  istioctl: {
    ...unreachableCases('install'),
    ...unreachableCases('configure'),
    ...unreachableCases('tag-set'),
    'install-overlay-unknown-field': overlay('unknown-field', operator('nonsense: true')),
    'install-overlay-unknown-value': overlay('unknown-value', operator('values: { global: { nonsense: true } }')),
    'install-overlay-unknown-component': overlay(
      'unknown-component',
      operator('components: { pilot: { k8s: { nonsense: true } } }'),
    ),
    'install-overlay-two-documents': overlay('two-documents', `${operator('hub: a')}---\n${operator('hub: b')}`),
    'install-overlay-other-kind': overlay(
      'other-kind',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: b\n',
    ),
    'install-overlay-profile': overlay('profile', operator('profile: nope')),
    'install-overlay-no-yaml': overlay('no-yaml', 'a: [b\n'),
    'install-overlay-absent': withStdin(),
    'tag-set-no-revision': withStdin(),
    'configure-no-control-plane': withStdin(),
    'configure-no-service-account': after(async (lab) => {
      await lab.installIstio();
      await lab.apply(
        ...workloadObjects(lab.config, lab.config.workloads[0]).filter(({ kind }) => kind === 'Namespace'),
      );
      await lab.world.clock.advance(60_000);
    }),
    'configure-no-root-certificate': after((lab) => lab.installIstio()),
    'install-unknown-flag': withStdin(),
    'install-overlay-wrong-type': overlay('wrong-type', operator('values: { global: { logAsJson: [1] } }')),
    'install-not-ready': withStdin(),
    install: withStdin(),
    'install-immutable': after(async (lab) => {
      await lab.installIstio();
      const labels = { app: 'other' };
      const gateway = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'istio-eastwestgateway', namespace: 'istio-system' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a' }] } },
        },
      };
      await lab.apply(gateway);
    }),
    'tag-set': after((lab) => lab.installIstio()),
    configure: after(async (lab) => {
      await lab.installIstio();
      await lab.apply(...workloadObjects(lab.config, lab.config.workloads[0]));
      await lab.world.clock.advance(60_000);
    }),
    version: withStdin(),
  },
};

const cases = programs.flatMap((program) => {
  const [, tool = '', version = ''] = /^([a-z]+)-(.*)$/.exec(program) ?? [];
  return Object.entries(SCENES[tool as Tool]).map(
    ([name, scene]) => [`${program} ${name}`, { tool: tool as Tool, version, name, scene }] as const,
  );
});

describe('the simulated world', () => {
  it.each(cases)('gives the same kind of answer as the recording %s', async (_, { tool, version, name, scene }) => {
    const recording = JSON.parse(readFileSync(`${FOLDER}/${tool}-${version}/${name}.json`, 'utf8')) as Recording;
    const lab = await readyLab(tool === 'istioctl' ? { version } : {});
    const { config, files, world, mesh } = lab;
    await files.write('/lab/control-plane.yaml', toYaml([controlPlane(config)]));
    await files.write('/lab/east-west-gateway.yaml', toYaml([eastWestGateway(config)]));
    await files.write('/lab/workload-group.yaml', toYaml([workloadGroup(config, config.workloads[0])]));
    const stdin = Buffer.from((await scene(lab)) ?? '');
    const args = recording.argv.slice(1).map((arg, index, all) => {
      const before = index === 0 ? '' : all[index - 1];
      if (before === '--kubeconfig' && !arg.endsWith('/absent')) return config.paths.kubeconfig;
      return before === '--context' && arg !== 'istio-vms-other' ? config.context : arg;
    });
    const file = tool === 'kubectl' ? 'kubectl' : config.paths.istioctl;
    const program = tool === 'kubectl' ? kubectl : istioctl;
    const command = { file, args, effect: 'write' } as const;
    let progress = '';
    const tell = (line: string): void => void (progress += `${line}\n`);
    const call = { world, mesh, files, args, env: {}, stdin, command, tell };
    const answer = await world.clock.drive(program(call));
    const outcomeOf = (exitCode: number, stdout: string, stderr: string) => ({
      exitCode,
      stdout: stdout.trim() !== '',
      stderr: stderr.trim() !== '',
      issue: knownIssue(stderr, tool)?.id,
    });
    expect(outcomeOf(answer.exitCode, String(answer.stdout ?? ''), progress + (answer.stderr ?? ''))).toEqual(
      outcomeOf(recording.exitCode, recording.stdout, recording.stderr),
    );
  });
});
