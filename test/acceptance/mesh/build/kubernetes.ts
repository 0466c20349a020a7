import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { COREDNS, K3S, KUBE_ROUTER, KUBERNETES } from '../versions.ts';
import { build, type Built } from './cache.ts';
import { goBuild, goVersion } from './go.ts';
import { PROGRAMS } from './paths.ts';

/** k8s.io/kubernetes requires these as v0.0.0 and replaces them by its own folders; another main module must do it itself. */
const STAGING = [
  ...['api', 'apiextensions-apiserver', 'apimachinery', 'apiserver', 'cli-runtime', 'client-go', 'cloud-provider'],
  ...['cluster-bootstrap', 'code-generator', 'component-base', 'component-helpers', 'controller-manager', 'cri-api'],
  ...['cri-client', 'csi-translation-lib', 'dynamic-resource-allocation', 'endpointslice', 'externaljwt', 'kms'],
  ...['kube-aggregator', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl', 'kubelet', 'metrics'],
  ...['mount-utils', 'pod-security-admission', 'sample-apiserver', 'sample-cli-plugin', 'sample-controller'],
];
const COMPONENTS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const;

const ROUTER = 'github.com/cloudnativelabs/kube-router/v2';

/** One binary for all Kubernetes components with a link for each name, and kube-router. */
export async function buildKubernetes(): Promise<Built> {
  const source = join(PROGRAMS, 'kubernetes');
  return build({
    name: 'kubernetes',
    from: [KUBERNETES, K3S, KUBE_ROUTER, await goVersion()],
    sources: [source],
    make: async (directory) => {
      await goBuild({
        name: 'kubernetes',
        language: '1.24.0',
        requires: { 'k8s.io/kubernetes': KUBERNETES },
        replaces: Object.fromEntries(
          STAGING.map((each) => [`k8s.io/${each}`, `k8s.io/${each} v0.${KUBERNETES.replace(/^v1\./, '')}`]),
        ),
        copies: { 'main.go': join(source, 'main.go') },
        target: '.',
        output: join(directory, 'hyper'),
        variables: versionVariables(K3S),
      });
      for (const name of COMPONENTS) await symlink('hyper', join(directory, name));
      await goBuild({
        name: 'kube-router',
        language: '1.24.0',
        requires: { [ROUTER]: KUBE_ROUTER },
        target: `${ROUTER}/cmd/kube-router`,
        output: join(directory, 'kube-router'),
        variables: { [`${ROUTER}/pkg/version.Version`]: KUBE_ROUTER },
      });
    },
  });
}

/** CoreDNS with the plugins that the Corefile of k3s uses. */
export async function buildCoreDns(): Promise<Built> {
  const source = join(PROGRAMS, 'coredns');
  return build({
    name: 'coredns',
    from: [COREDNS, await goVersion()],
    sources: [source],
    make: (directory) =>
      goBuild({
        name: 'coredns',
        language: '1.24.0',
        requires: { 'github.com/coredns/coredns': COREDNS },
        copies: { 'main.go': join(source, 'main.go') },
        target: '.',
        output: join(directory, 'coredns'),
      }),
  });
}

/** Linker variables that make the components report the version of k3s, as in its own build. */
function versionVariables(version: string): Readonly<Record<string, string>> {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: '0'.repeat(40),
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
  };
  return Object.fromEntries(
    ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((module) =>
      Object.entries(values).map(([name, value]) => [`${module}.${name}`, value]),
    ),
  );
}
