import { readFileSync } from 'node:fs';
import type { Config, VersionTable } from '../../../src/config/config.ts';

export const versions = JSON.parse(readFileSync('data/versions.json', 'utf8')) as VersionTable;

/** A valid configuration with the values of the article. */
export function labConfig(version = '1.19.3', labSize: Config['labSize'] = 'article'): Config {
  const minor = version.split('.').slice(0, 2).join('.');
  const row = versions.istio[minor];
  const size = { cpus: 2, memory: '8G', disk: '8G' };
  return {
    lab: 'test-lab',
    labSize,
    engine: 'multipass',
    engineSettings: {},
    runOs: '22.04',
    istio: {
      version,
      minor,
      revision: version.replaceAll('.', '-'),
      namespace: 'istio-system',
      meshId: 'vmmesh',
      cluster: 'test',
      ...(row?.builtInHub !== undefined && { hub: row.hub }),
    },
    k3s: {
      version: row?.k3s ?? 'unknown',
      workers: 2,
      master: 'k3s-master',
      workerNames: ['k3s-worker-1', 'k3s-worker-2'],
      masterSize: { cpus: 2, memory: '1G', disk: '4G' },
      workerSize: size,
    },
    workloads: [
      {
        name: 'vm-istio-external-workload',
        size,
        app: 'external-app',
        appPort: 8000,
        demo: true,
        namespace: 'vmns',
        serviceAccount: 'vmsa',
      },
    ],
    networks: { cluster: 'kube-network', vm: 'vm-network' },
    gateway: {
      status: { outside: 15022, inside: 15021 },
      istiod: { outside: 15013, inside: 15012 },
      webhook: { outside: 15018, inside: 15017 },
    },
    containerTool: 'docker',
    launches: 2,
    paths: {
      data: '/lab/.data',
      bin: '/lab/.bin',
      temp: '/lab/.tmp',
      kubeconfig: '/lab/.data/config.test.yaml',
      workloadFiles: '/lab/.data/workload-files',
      machinesRecord: '/lab/.data/machines.json',
      istioctlLink: '/lab/.bin/istioctl',
      istioctl: `/lab/.bin/istioctl-${version}`,
      manifests: '/lab/.tmp/manifests',
      logs: '/lab/.tmp/logs',
      cache: '/home/someone/.cache/istio-vms',
    },
    context: 'istio-vms-test-lab',
  };
}
