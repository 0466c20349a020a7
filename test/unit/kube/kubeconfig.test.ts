import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { rewriteKubeconfig } from '../../../src/kube/kubeconfig.ts';

const K3S = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
`;

it('rewrites the kubeconfig of k3s with the address of the machine, our names and the same keys', () => {
  expect(parse(rewriteKubeconfig(K3S, 'https://192.168.64.2:6443', 'istio-vms-lab'))).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'istio-vms-lab', cluster: { 'certificate-authority-data': 'Q0E=', server: 'https://192.168.64.2:6443' } },
    ],
    users: [{ name: 'istio-vms-lab', user: { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' } }],
    contexts: [{ name: 'istio-vms-lab', context: { cluster: 'istio-vms-lab', user: 'istio-vms-lab' } }],
    'current-context': 'istio-vms-lab',
  });
});

it('changes only what is requested when it rewrites its own output', () => {
  const once = rewriteKubeconfig(K3S, 'https://192.168.64.2:6443', 'a');
  expect(rewriteKubeconfig(once, 'https://192.168.64.2:6443', 'a')).toBe(once);
  expect(parse(rewriteKubeconfig(once, 'https://192.168.64.9:6443', 'a')).clusters[0].cluster.server).toBe(
    'https://192.168.64.9:6443',
  );
});
