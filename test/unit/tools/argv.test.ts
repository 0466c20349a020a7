import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/system/system.ts';
import { quoteCommand } from '../../../src/system/quote.ts';
import * as container from '../../../src/tools/container-argv.ts';
import * as istioctl from '../../../src/tools/istioctl-argv.ts';
import * as kubectl from '../../../src/tools/kubectl-argv.ts';

const cluster = { kubeconfig: '/d/kubeconfig', context: 'istio-vms-a' };
const target = { ...cluster, file: '/b/istioctl', istioNamespace: 'mesh' };
const place = { namespace: 'sample', deployment: 'mesh-client', container: 'curl' };
const K = 'kubectl --kubeconfig /d/kubeconfig --context istio-vms-a --request-timeout=20s';
const C = '--kubeconfig /d/kubeconfig --context istio-vms-a --istioNamespace mesh';

const ORIGINS: Readonly<Record<string, Command['origin']>> = {
  kubectl: 'kubectl',
  [target.file]: 'istioctl',
  docker: 'container',
  podman: 'container',
};

const TABLE: [string, Command, 'read' | 'write'][] = [
  ['kubectl version --client --output=json', kubectl.clientVersionCommand(), 'read'],
  [
    `${K} get nodes,pods --all-namespaces --ignore-not-found --output=json`,
    kubectl.getCommand(cluster, ['nodes', 'pods']),
    'read',
  ],
  [
    `${K} get services istiod --namespace istio-system --ignore-not-found --output=json`,
    kubectl.getCommand(cluster, ['services'], { name: 'istiod', namespace: 'istio-system' }),
    'read',
  ],
  [
    `${K} get nodes k1 --ignore-not-found --output=json`,
    kubectl.getCommand(cluster, ['nodes'], { name: 'k1' }),
    'read',
  ],
  [
    `${K} get pods --namespace kube-system --selector app=x --ignore-not-found --output=json`,
    kubectl.getCommand(cluster, ['pods'], { namespace: 'kube-system', selector: 'app=x' }),
    'read',
  ],
  [
    `${K} apply --server-side --force-conflicts --field-manager=istio-vms --filename=-`,
    kubectl.applyCommand(cluster, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }]),
    'write',
  ],
  [
    `${K} delete nodes k1 --ignore-not-found --wait=true --timeout=120s`,
    kubectl.deleteCommand(cluster, 'nodes', 'k1'),
    'write',
  ],
  [
    `${K} delete services x --namespace n --ignore-not-found --wait=true --timeout=120s`,
    kubectl.deleteCommand(cluster, 'services', 'x', 'n'),
    'write',
  ],
  [
    `${K} exec --namespace sample deployment/mesh-client --container curl -- curl --silent x`,
    kubectl.execCommand(cluster, place, ['curl', '--silent', 'x'], 'read'),
    'read',
  ],
  [
    `${K} drain k1 --ignore-daemonsets --delete-emptydir-data --force --disable-eviction --timeout=60s`,
    kubectl.drainCommand(cluster, 'k1'),
    'write',
  ],
  [
    `${K} delete pods --all-namespaces --field-selector spec.nodeName=k1 --force --grace-period=0 --wait=false`,
    kubectl.deletePodsCommand(cluster, 'k1'),
    'write',
  ],
  [`${K} api-resources --verbs=list --output=name`, kubectl.kindsCommand(cluster), 'read'],
  // A time limit of the request would end the watch.
  [
    'kubectl --kubeconfig /d/kubeconfig --context istio-vms-a wait node/n --for=condition=Ready --timeout=20s',
    kubectl.waitNodeCommand(cluster, 'n', 20),
    'read',
  ],
  [
    'kubectl --kubeconfig /d/kubeconfig --context istio-vms-a rollout status deployment/a --namespace n --timeout=9s',
    kubectl.waitRolloutCommand(cluster, 'a', 'n', 9),
    'read',
  ],
  [`${K} scale deployment/a --namespace n --replicas=1`, kubectl.scaleCommand(cluster, 'a', 'n', 1), 'write'],
  [`${K} rollout restart deployment/a --namespace n`, kubectl.restartCommand(cluster, 'a', 'n'), 'write'],
  [
    `${K} logs --namespace sample deployment/mesh-client --container curl --tail=50`,
    kubectl.logsCommand(cluster, place),
    'read',
  ],

  ['/b/istioctl version --remote=false --output=json', istioctl.versionCommand(target), 'read'],
  [
    `/b/istioctl install ${C} --filename a.yaml --filename b.yaml --skip-confirmation --readiness-timeout 300s`,
    istioctl.installCommand(target, ['a.yaml', 'b.yaml']),
    'write',
  ],
  [
    `/b/istioctl tag set default --revision 1-19-3 --overwrite --skip-confirmation ${C}`,
    istioctl.setDefaultTagCommand(target, '1-19-3'),
    'write',
  ],
  [
    `/b/istioctl experimental workload entry configure ${C} --file /g.yaml --output /o --clusterID test --ingressIP 10.1.1.2 --internalIP 10.1.1.3 --autoregister --revision 1-19-3 --tokenDuration 3600`,
    istioctl.configureWorkloadCommand(
      target,
      { groupFile: '/g.yaml', outputDir: '/o', ingressIp: '10.1.1.2', internalIp: '10.1.1.3' },
      { clusterId: 'test', revision: '1-19-3' },
    ),
    'write',
  ],

  ['podman version --format json', container.versionCommand('podman'), 'read'],
  [
    'docker create --name n --platform linux/arm64 i:1',
    container.createCommand('docker', 'n', 'linux/arm64', 'i:1'),
    'write',
  ],
  ['docker export --output /t.tar n', container.exportCommand('docker', 'n', '/t.tar'), 'write'],
  [
    'docker pull --platform linux/arm64 docker.io/istio/pilot:1.19.3',
    container.pullCommand('docker', 'linux/arm64', 'docker.io/istio/pilot:1.19.3'),
    'write',
  ],
  [
    'podman save --output /t/a.tar docker.io/istio/pilot:1.19.3',
    container.saveCommand('podman', '/t/a.tar', 'docker.io/istio/pilot:1.19.3'),
    'write',
  ],
  ['docker rm --force n', container.removeCommand('docker', 'n'), 'write'],
];

describe('argv of the tools', () => {
  it.each(TABLE)('includes `%s`', (line, command, effect) => {
    expect(quoteCommand(command.file, command.args)).toBe(line);
    expect(command.effect).toBe(effect);
    expect(command.origin).toBe(ORIGINS[command.file]);
    expect(command.timeoutMs).toBeGreaterThan(0);
  });

  it('applies one List, in the given order, from standard input', () => {
    const objects = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    ];
    expect(JSON.parse(kubectl.applyCommand(cluster, objects).stdin as string)).toEqual({
      apiVersion: 'v1',
      kind: 'List',
      items: objects,
    });
  });
});

describe('one interrupt', () => {
  it.each([
    container.createCommand('docker', 'name', 'linux/amd64', 'image'),
    container.exportCommand('docker', 'name', 'a.tar'),
    container.pullCommand('podman', 'linux/arm64', 'image'),
    container.saveCommand('podman', 'a.tar', 'image'),
  ])('ends $file $args.0, which the next run repeats', (command) => {
    expect(command).toMatchObject({ effect: 'write', interruptible: true });
  });

  it('does not end the removal of the container', () => {
    expect(container.removeCommand('docker', 'name')).not.toHaveProperty('interruptible');
  });
});
