import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eastWestGateway } from '../../../src/kube/manifests/east-west-gateway.ts';
import { gatewayOverlay, overlayProblems } from '../../../src/kube/overlay/overlay.ts';
import { labConfig } from './lab.ts';

const HEAD = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n';
const spec = (text: string): string => `${HEAD}spec: ${text}`;
const ingress = (fields: string): string =>
  `components: { ingressGateways: [{ name: istio-ingressgateway, ${fields} }] }`;

describe('overlayProblems', () => {
  it.each([
    ['comments only', '# nothing yet\n'],
    [
      'another profile and metadata',
      `${HEAD}metadata: { name: mine }\nspec: { profile: minimal, hub: mirror.example/istio }`,
    ],
    ['the same values', spec('{ revision: 1-19-3, values: { global: { network: kube-network, meshID: vmmesh } } }')],
    ['no spec', HEAD],
    ['the overlay of the mesh rig', readFileSync('test/acceptance/mesh/overlay.yaml', 'utf8')],
    ...['default', 'minimal', 'preview', 'stable'].map((profile): [string, string] => [
      `profile ${profile}`,
      spec(`{ profile: ${profile} }`),
    ]),
    ...['ambient', 'openshift', 'openshift-ambient'].map((profile): [string, string] => [
      `profile ${profile} for k3s`,
      spec(`{ profile: ${profile}, values: { global: { platform: k3s } } }`),
    ]),
    [
      "the CNI plug-in in k3s's folders",
      spec('{ components: { cni: { enabled: true } }, values: { cni: { cniConfDir: /k3s } } }'),
    ],
    ['profile ambient without its CNI plug-in', spec('{ profile: ambient, components: { cni: { enabled: false } } }')],
    [
      'profile demo with other ports',
      spec(`{ profile: demo, ${ingress('k8s: { service: { ports: [{ port: 80 }] } }')} }`),
    ],
    [
      'profile demo with other values',
      spec('{ profile: demo, values: { gateways: { istio-ingressgateway: { ports: [{ port: 80 }] } } } }'),
    ],
    [
      'profile demo behind another kind of Service',
      spec(`{ profile: demo, ${ingress('k8s: { service: { type: ClusterIP } }')} }`),
    ],
    ['profile demo without its gateway', spec(`{ profile: demo, ${ingress('enabled: false')} }`)],
    [
      'a gateway with ports of its own',
      spec(
        '{ components: { ingressGateways: [{ name: mine, enabled: true, k8s: { service: { ports: [{ port: 8443 }] } } }] } }',
      ),
    ],
    [
      'an egress gateway inside the cluster',
      spec(
        '{ components: { egressGateways: [{ name: out, enabled: true, k8s: { service: { ports: [{ port: 15443 }] } } }] } }',
      ),
    ],
    ['a variant of the same version', spec('{ tag: 1.19.3-distroless, components: { pilot: { tag: 1.19.3-debug } } }')],
    ['the same version with a digest', spec('{ tag: "1.19.3@sha256:0123" }')],
    ['an image by digest', spec('{ values: { pilot: { image: "mirror.example:5000/pilot@sha256:0123" } } }')],
    [
      'more settings of istiod',
      spec(
        '{ components: { pilot: { namespace: istio-system, k8s: { replicaCount: 2 } } }, meshConfig: { rootNamespace: istio-system } }',
      ),
    ],
    ['values without effect', spec('{ values: { pilot: { replicaCount: 0, enabled: false } } }')],
    ['an istiod that could serve other clusters', spec('{ values: { global: { externalIstiod: true } } }')],
    ['features that stay on', spec('{ values: { pilot: { env: { ENABLE_CA_SERVER: "true" } } } }')],
    ['another trust domain', spec('{ meshConfig: { trustDomain: mesh.example } }')],
  ])('accepts %s', (_, text) => {
    expect(overlayProblems(text, labConfig())).toEqual([]);
  });

  it.each([
    [`${HEAD}---\n${HEAD}`, /2 documents/],
    ['apiVersion: v1\nkind: ConfigMap\ndata: {}', /ConfigMap of v1/],
    ['spec: [', /not YAML/],
    ['just words', /not an IstioOperator/],
    [spec('{ revision: other }'), /spec\.revision is "other", but ISTIO_REVISION is "1-19-3"/],
    [spec('{ values: { revision: other } }'), /spec\.values\.revision .* ISTIO_REVISION/],
    [`${HEAD}metadata: { namespace: mesh }`, /metadata\.namespace .* ISTIO_NAMESPACE/],
    [spec('{ values: { global: { istioNamespace: mesh } } }'), /istioNamespace .* ISTIO_NAMESPACE/],
    [spec('{ values: { global: { meshID: m } } }'), /meshID .* ISTIO_MESH_ID/],
    [spec('{ values: { global: { network: n } } }'), /network .* CLUSTER_NETWORK/],
    [
      spec('{ unvalidatedValues: { global: { network: n } } }'),
      /unvalidatedValues\.global\.network .* CLUSTER_NETWORK/,
    ],
    [spec('{ values: { global: { multiCluster: { clusterName: c } } } }'), /clusterName .* ISTIO_CLUSTER/],
    [spec('{ revision: null }'), /spec\.revision is null/],
    [`${HEAD}metadata: { name: eastwest }`, /metadata\.name is "eastwest"/],
    [`${HEAD}metadata: { name: "" }`, /metadata\.name is empty/],
    [spec('{ components: { pilot: { namespace: other } } }'), /components\.pilot\.namespace .* ISTIO_NAMESPACE/],
    [spec('{ meshConfig: { rootNamespace: other } }'), /meshConfig\.rootNamespace .* ISTIO_NAMESPACE/],
    [spec('{ tag: 1.20.0 }'), /spec\.tag has tag "1\.20\.0", but ISTIO_VERSION is "1\.19\.3"/],
    [spec('{ tag: 1.20 }'), /spec\.tag has tag 1\.2, /],
    [spec('{ tag: 1.19.30 }'), /ISTIO_VERSION/],
    [spec('{ values: { global: { tag: latest } } }'), /spec\.values\.global\.tag/],
    [spec('{ components: { pilot: { tag: 1.20.0 } } }'), /spec\.components\.pilot\.tag/],
    [spec('{ values: { pilot: { tag: 1.20.0 } } }'), /spec\.values\.pilot\.tag/],
    [spec('{ components: { ingressGateways: [{ name: a, tag: 1.20.0 }] } }'), /ingressGateways\[a\]\.tag/],
    [spec('{ values: { pilot: { image: "mirror.example:5000/pilot:1.20.0" } } }'), /spec\.values\.pilot\.image/],
    [spec('{ values: { global: { proxy: { image: "mirror.example/proxyv2:1.20.0" } } } }'), /proxy\.image/],
    [spec('{ hub: null }'), /spec\.hub is null/],
    [spec('{ hub: "" }'), /spec\.hub is ""/],
    [spec('{ profile: empty }'), /installs no istiod/],
    [spec('{ profile: remote }'), /installs no istiod/],
    [spec('{ profile: external }'), /installs no istiod/],
    [spec('{ values: { profile: remote } }'), /installs no istiod/],
    [spec('{ values: { istiodRemote: { enabled: true } } }'), /installs no istiod/],
    [spec('{ profile: ambient }'), /platform to "k3s"/],
    [spec('{ profile: openshift }'), /platform to "k3s"/],
    [spec('{ components: { cni: { enabled: true } } }'), /components\.cni\.enabled is true.*platform to "k3s"/],
    [spec('{ components: { base: { enabled: false } } }'), /resource definitions/],
    [spec('{ components: { pilot: { k8s: { replicaCount: 0 } } } }'), /needs istiod/],
    [spec('{ components: { pilot: { k8s: { hpaSpec: { minReplicas: 0 } } } } }'), /Kubernetes refuses/],
    [spec('{ values: { global: { operatorManageWebhooks: true } } }'), /nothing would be injected/],
    [spec('{ values: { global: { omitSidecarInjectorConfigMap: true } } }'), /nothing would be injected/],
    [spec('{ values: { global: { proxy: { clusterDomain: example.org } } } }'), /domain of the cluster/],
    [
      spec('{ values: { pilot: { env: { PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION: "false" } } } }'),
      /the VM needs it/,
    ],
    [spec('{ values: { pilot: { env: { PILOT_ENABLE_WORKLOAD_ENTRY_HEALTHCHECKS: false } } } }'), /the VM needs it/],
    [spec('{ components: { pilot: { k8s: { env: [{ name: ENABLE_CA_SERVER, value: "0" }] } } } }'), /the VM needs it/],
    [spec('{ profile: demo }'), /profile demo gives istio-ingressgateway port 15443/],
    [spec('{ values: { profile: demo } }'), /profile demo gives istio-ingressgateway port 15443/],
    [
      spec('{ components: { ingressGateways: [{ name: mine, k8s: { service: { ports: [{ port: 15013 }] } } }] } }'),
      /gives mine port 15013/,
    ],
    [
      spec('{ values: { gateways: { istio-ingressgateway: { ports: [{ port: 15443 }] } } } }'),
      /gives istio-ingressgateway port 15443/,
    ],
    [
      spec(
        '{ components: { egressGateways: [{ name: out, k8s: { service: { type: LoadBalancer, ports: [{ port: 15022 }] } } }] } }',
      ),
      /gives out port 15022/,
    ],
    [spec('{ components: { pilot: { enabled: false } } }'), /needs istiod/],
    [spec('{ components: { ingressGateways: [{ name: istio-eastwestgateway }] } }'), /istio-vms installs itself/],
  ])('refuses %j', (text, message) => {
    const problems = overlayProblems(text, labConfig());
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  it('reports all problems at once', () => {
    const text = spec(
      '{ revision: other, tag: 1.20.0, profile: demo, components: { base: { enabled: false }, cni: { enabled: true } },' +
        ' values: { global: { network: n, meshID: m } } }',
    );
    expect(overlayProblems(`${text}\nmetadata: { name: eastwest }`, labConfig())).toHaveLength(8);
  });
});

describe('gatewayOverlay', () => {
  it('passes hub, tag and values.global to the gateway, and nothing else of the overlay', () => {
    const overlay = gatewayOverlay(
      spec(
        '{ hub: mirror.example/istio, tag: 1.19.3-debug, profile: demo, components: { pilot: { k8s: { replicaCount: 2 } } },' +
          ' values: { pilot: { traceSampling: 1 }, global: { imagePullPolicy: Always, imagePullSecrets: [pull], multiCluster: { enabled: true } } } }',
      ),
    );
    const gateway = eastWestGateway(labConfig(), overlay)['spec'] as Record<string, unknown>;
    expect(gateway).toMatchObject({
      profile: 'empty',
      hub: 'mirror.example/istio',
      tag: '1.19.3-debug',
      values: {
        global: {
          imagePullPolicy: 'Always',
          imagePullSecrets: ['pull'],
          multiCluster: { enabled: true, clusterName: 'test' },
          network: 'kube-network',
        },
      },
    });
    expect(JSON.stringify(gateway)).not.toMatch(/traceSampling|replicaCount/);
  });
});
