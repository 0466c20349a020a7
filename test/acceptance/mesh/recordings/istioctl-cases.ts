import { writeFile } from 'node:fs/promises';
import { workloadGroup } from '../../../../src/kube/manifests/workload.ts';
import { controlPlane } from '../../../../src/kube/manifests/control-plane.ts';
import { eastWestGateway, GATEWAY_SERVICE } from '../../../../src/kube/manifests/east-west-gateway.ts';
import type { Command } from '../../../../src/system/system.ts';
import * as argv from '../../../../src/tools/istioctl-argv.ts';
import type { KubeTarget } from '../../../../src/tools/kubectl-argv.ts';
import { startControllers } from '../light/controllers.ts';
import { writeManifest, type LightLab } from '../light/lab.ts';
import { dashed } from './kubectl-cases.ts';
import type { Record } from './recorder.ts';
import type { Targets } from './targets.ts';

const operator = (spec: string): string =>
  `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata:\n  name: overlay\nspec:\n  ${spec}\n`;

/** Invalid overlay files by the kind of error. */
const OVERLAYS = {
  'unknown-field': operator('nonsense: true'),
  'unknown-value': operator('values: { global: { nonsense: true } }'),
  'unknown-component': operator('components: { pilot: { k8s: { nonsense: true } } }'),
  'wrong-type': operator('values: { global: { logAsJson: [1] } }'),
  'two-documents': `${operator('hub: a')}---\n${operator('hub: b')}`,
  'other-kind': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: b\n',
  profile: operator('profile: nope'),
  'no-yaml': 'a: [b\n',
} as const;

/** Records each istioctl command of the product, and each error once. */
export async function recordIstioctl(lab: LightLab, targets: Targets, record: Record): Promise<void> {
  const { config, cluster, istio } = lab;
  const at = (target: KubeTarget): argv.IstioctlTarget => ({
    ...target,
    file: istio.istioctl,
    istioNamespace: config.istio.namespace,
  });
  const own = await writeManifest(lab, 'control-plane', [controlPlane(config)]);
  const gateway = await writeManifest(lab, 'east-west-gateway', [eastWestGateway(config)]);
  const ids = { clusterId: config.istio.cluster, revision: config.istio.revision };
  const request: argv.WorkloadRequest = {
    groupFile: await writeManifest(lab, 'workload-group', [workloadGroup(config, config.workloads[0])]),
    outputDir: `${lab.directory}/workload-files`,
    ingressIp: '192.168.64.3',
    internalIp: '192.168.64.4',
  };
  const install = (target: KubeTarget, ...files: readonly string[]): Command =>
    argv.installCommand(at(target), [own, ...files]);
  const configure = (target: KubeTarget): Command => argv.configureWorkloadCommand(at(target), request, ids);
  const tag = (target: KubeTarget): Command => argv.setDefaultTagCommand(at(target), config.istio.revision);

  await record('version', argv.versionCommand(at(cluster)));
  const unreachable = Object.entries(targets).flatMap(([name, target]) => [
    ...(name === 'old' ? [] : [record(`tag-set-${dashed(name)}`, tag(target))]),
    ...(name === 'old' ? [] : [record(`configure-${dashed(name)}`, configure(target))]),
    record(`install-${dashed(name)}`, withShortTimeout(install(target))),
  ]);
  for (const [name, text] of Object.entries(OVERLAYS)) {
    const file = `${lab.directory}/overlay-${name}.yaml`;
    await writeFile(file, text);
    await record(`install-overlay-${name}`, withShortTimeout(install(cluster, file)));
  }
  await record('install-overlay-absent', withShortTimeout(install(cluster, `${lab.directory}/absent.yaml`)));
  const flagged = install(cluster);
  await record('install-unknown-flag', { ...flagged, args: [...flagged.args, '--nonsense'] });
  await record('tag-set-no-revision', tag(cluster));
  await record('configure-no-control-plane', configure(cluster));

  await record('install-not-ready', withShortTimeout(install(cluster)));
  await record('configure-no-root-certificate', configure(cluster));
  const stop = startControllers(cluster.api);
  try {
    await record('install', install(cluster));
    await record('tag-set', tag(cluster));
    await createNamespaceWithoutAccount(lab);
    await record('configure-no-service-account', configure(cluster));
    await cluster.api.create(`/api/v1/namespaces/${config.workloads[0].namespace}/serviceaccounts`, {
      metadata: { name: config.workloads[0].serviceAccount },
    });
    await record('configure', configure(cluster));
    await createOtherSelector(lab);
    await record('install-immutable', withShortTimeout(argv.installCommand(at(cluster), [gateway])));
    await createFailingWebhook(lab);
    await record('install-webhook-failing', withShortTimeout(install(cluster)));
    await Promise.all(unreachable);
  } finally {
    stop();
  }
}

/** Shortens the timeout of a command that is expected to time out. */
const withShortTimeout = (command: Command): Command => ({
  ...command,
  args: command.args.map((arg) => (arg === '300s' ? '3s' : arg)),
});

/** Creates the VM's namespace with istiod's root certificate and without the service account. */
async function createNamespaceWithoutAccount({ cluster, config }: LightLab): Promise<void> {
  const { namespace } = config.workloads[0];
  await cluster.api.create('/api/v1/namespaces', { metadata: { name: namespace } }).catch(() => undefined);
  await cluster.api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
    metadata: { name: 'istio-ca-root-cert' },
    data: { 'root-cert.pem': 'a certificate' },
  });
}

/** Creates a gateway Deployment with another selector, which is immutable. */
async function createOtherSelector({ cluster, config }: LightLab): Promise<void> {
  const labels = { app: 'other' };
  await cluster.api.create(`/apis/apps/v1/namespaces/${config.istio.namespace}/deployments`, {
    metadata: { name: GATEWAY_SERVICE },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a' }] } },
    },
  });
}

/** Creates a webhook for ConfigMaps whose Service does not exist. */
async function createFailingWebhook({ cluster, config }: LightLab): Promise<void> {
  const { namespace } = config.istio;
  await cluster.api.create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    metadata: { name: 'unanswered' },
    webhooks: [
      {
        name: 'rev.validation.istio.io',
        clientConfig: { service: { name: 'absent', namespace, path: '/validate' } },
        rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 2,
      },
    ],
  });
}
