import type { Command } from '../../../../src/system/system.ts';
import type { KubeObject } from '../../../../src/kube/kinds.ts';
import * as argv from '../../../../src/tools/kubectl-argv.ts';
import type { LightLab } from '../light/lab.ts';
import { until } from '../light/processes.ts';
import type { Record } from './recorder.ts';
import type { Targets } from './targets.ts';

const NAMESPACE = 'recorded';
const object = (apiVersion: string, kind: string, name: string, rest: object = {}): KubeObject => {
  const { metadata, ...more } = { metadata: {}, ...rest };
  return { apiVersion, kind, metadata: { name, ...metadata }, ...more };
};
const inside = (namespace = NAMESPACE): object => ({ metadata: { namespace } });
const configMap = (name: string, metadata: object = {}): KubeObject =>
  object('v1', 'ConfigMap', name, { metadata: { namespace: NAMESPACE, ...metadata }, data: { a: 'b' } });

const deployment = (name: string, app: string): KubeObject =>
  object('apps/v1', 'Deployment', name, {
    ...inside(),
    spec: {
      replicas: 1,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
    },
  });

/** A webhook without a running server, as istiod's while it is down. */
const webhook = object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'recorded', {
  webhooks: [
    {
      name: 'rev.validation.istio.io',
      clientConfig: { service: { name: 'istiod', namespace: NAMESPACE, path: '/validate' } },
      rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      objectSelector: { matchLabels: { refused: 'yes' } },
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 2,
    },
  ],
});

const withFlag = (command: Command, flag: string): Command => ({ ...command, args: [...command.args, flag] });
const kubeSystem = { name: 'kube-system' };

/** Records each kubectl command of the product, and each error once. */
export async function recordKubectl(lab: LightLab, targets: Targets, record: Record): Promise<void> {
  const { cluster } = lab;
  const apply = (...objects: readonly KubeObject[]): Command => argv.applyCommand(cluster, objects);

  // In parallel with the rest, since kubectl retries for a minute if the server does not respond.
  const unreachable = Object.entries(targets).flatMap(([name, target]) =>
    name === 'old'
      ? []
      : [
          record(`get-${dashed(name)}`, argv.getCommand(target, ['namespaces'])),
          record(`apply-${dashed(name)}`, argv.applyCommand(target, [configMap('a')])),
        ],
  );
  await record('version', argv.clientVersionCommand());
  await record('api-resources', argv.kindsCommand(cluster));
  await record('apply-namespace', apply(object('v1', 'Namespace', NAMESPACE)));
  await record('apply', apply(configMap('a'), deployment('d', 'd')));
  await record('get-one', argv.getCommand(cluster, ['namespaces'], kubeSystem));
  await record('get-list', argv.getCommand(cluster, ['namespaces', 'services', 'deployments.apps']));
  await record('get-absent', argv.getCommand(cluster, ['namespaces'], { name: 'absent' }));
  await record('get-selector', argv.getCommand(cluster, ['pods'], { namespace: NAMESPACE, selector: 'app=absent' }));
  await record('get-unknown-kind', argv.getCommand(cluster, ['namespaces', 'gateways.networking.istio.io']));
  await record('get-unknown-flag', withFlag(argv.getCommand(cluster, ['namespaces']), '--nonsense'));

  const gateway = object('networking.istio.io/v1', 'Gateway', 'a', inside());
  await record('apply-unknown-kind', apply(gateway));
  await record('apply-no-namespace', apply(object('v1', 'ConfigMap', 'a', inside('absent'))));
  await record('apply-conflict', apply(configMap('a', { resourceVersion: '1' })));
  await record('apply-immutable', apply(deployment('d', 'other')));
  await record('apply-invalid', apply(object('v1', 'ConfigMap', 'Not_A_Name', inside())));
  await record('apply-unknown-field', apply(configMap('a'), object('v1', 'Namespace', NAMESPACE, { nonsense: 1 })));
  await record('apply-webhook', apply(webhook));
  await lab.cluster.api.create(`/api/v1/namespaces/${NAMESPACE}/services`, {
    metadata: { name: 'istiod' },
    spec: { ports: [{ port: 443 }] },
  });
  await record('apply-webhook-failing', apply(configMap('c', { labels: { refused: 'yes' } })));

  await record('rollout-status', argv.waitRolloutCommand(cluster, 'd', NAMESPACE, 30));
  await record('rollout-status-absent', argv.waitRolloutCommand(cluster, 'absent', NAMESPACE, 1));
  await record('wait-available', argv.waitAvailableCommand(cluster, NAMESPACE, 10));
  await record('wait-available-none', argv.waitAvailableCommand(cluster, 'default', 1));
  await record('scale', argv.scaleCommand(cluster, 'd', NAMESPACE, 2));
  await record('rollout-status-timeout', argv.waitRolloutCommand(cluster, 'd', NAMESPACE, 1));
  await record('scale-absent', argv.scaleCommand(cluster, 'absent', NAMESPACE, 2));
  await record('rollout-restart', argv.restartCommand(cluster, 'd', NAMESPACE));
  await record('rollout-restart-absent', argv.restartCommand(cluster, 'absent', NAMESPACE));
  await recordNodes(lab, record);

  const place = { namespace: NAMESPACE, deployment: 'absent', container: 'a' };
  await record('exec-absent', argv.execCommand(cluster, place, ['true'], 'read'));
  await record('logs-absent', argv.logsCommand(cluster, place));
  await record('delete', argv.deleteCommand(cluster, 'configmaps', 'a', NAMESPACE));
  await record('delete-absent', argv.deleteCommand(cluster, 'configmaps', 'a', NAMESPACE));
  await record('delete-unknown-kind', argv.deleteCommand(cluster, 'gateways.networking.istio.io', 'a', NAMESPACE));
  await recordHealth(lab, record);
  // It times out because no controller removes the finalizer.
  await record('delete-timeout', withShortTimeout(argv.deleteCommand(cluster, 'namespaces', NAMESPACE)));
  await record('apply-terminating', apply(object('v1', 'ServiceAccount', 'vm-sa', inside())));
  await Promise.all(unreachable);
}

async function recordNodes({ cluster }: LightLab, record: Record): Promise<void> {
  await cluster.api.create('/api/v1/nodes', { metadata: { name: 'k3s-worker-1' } });
  await record('wait-node-timeout', argv.waitNodeCommand(cluster, 'k3s-worker-1', 1));
  await record('wait-node-absent', argv.waitNodeCommand(cluster, 'absent', 1));
  await cluster.api.patch('/api/v1/nodes/k3s-worker-1/status', {
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }] },
  });
  await record('wait-node', argv.waitNodeCommand(cluster, 'k3s-worker-1', 10));
  await record('drain', argv.drainCommand(cluster, 'k3s-worker-1'));
  await record('drain-absent', argv.drainCommand(cluster, 'absent'));
  await record('delete-pods', argv.deletePodsCommand(cluster, 'k3s-worker-1'));
}

/** Records `kubectl wait` for the health of a WorkloadEntry, with a minimal CRD in place of Istio's. */
async function recordHealth({ cluster }: LightLab, record: Record): Promise<void> {
  const group = 'networking.istio.io';
  const names = { plural: 'workloadentries', singular: 'workloadentry', kind: 'WorkloadEntry' };
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await cluster.api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `workloadentries.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names,
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, subresources: { status: {} } },
      ],
    },
  });
  const entries = `/apis/${group}/v1/namespaces/${NAMESPACE}/workloadentries`;
  const entry = { apiVersion: `${group}/v1`, kind: names.kind, metadata: { name: 'vm' } };
  await until('the kind to be served', 20, () => cluster.api.create(entries, entry));
  const wait = (name: string): Command => argv.waitHealthCommand(cluster, name, NAMESPACE, 'False', 1);
  await record('wait-health-timeout', wait('vm'));
  await record('wait-health-absent', wait('absent'));
  await cluster.api.patch(`${entries}/vm/status`, { status: { conditions: [{ type: 'Healthy', status: 'False' }] } });
  await record('wait-health', wait('vm'));
}

const withShortTimeout = (command: Command): Command => ({
  ...command,
  args: command.args.map((arg) => (arg === '--timeout=120s' ? '--timeout=1s' : arg)),
});

/** `closesLate` → `closes-late`. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
