import { describe, expect, it } from 'vitest';
import { eastWestGateway } from '../../../src/manifests/east-west-gateway.ts';
import { gatewayOverlay, overlayProblems } from '../../../src/manifests/overlay.ts';
import { labConfig } from './lab.ts';

const HEAD = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n';
const spec = (text: string): string => `${HEAD}spec: ${text}`;

describe('overlayProblems', () => {
  it.each([
    ['comments only', '# nothing yet\n'],
    [
      'another profile and metadata',
      `${HEAD}metadata: { name: mine }\nspec: { profile: demo, hub: mirror.example/istio }`,
    ],
    ['the same values', spec('{ revision: 1-19-3, values: { global: { network: kube-network, meshID: vmmesh } } }')],
    ['no spec', HEAD],
  ])('takes %s', (_, text) => {
    expect(overlayProblems(text, labConfig())).toEqual([]);
  });

  it.each([
    [`${HEAD}---\n${HEAD}`, /2 documents/],
    ['apiVersion: v1\nkind: ConfigMap\ndata: {}', /ConfigMap of v1/],
    ['spec: [', /not YAML/],
    ['just words', /no IstioOperator/],
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
    [spec('{ profile: empty }'), /installs no istiod/],
    [spec('{ components: { pilot: { enabled: false } } }'), /needs istiod/],
    [spec('{ components: { ingressGateways: [{ name: istio-eastwestgateway }] } }'), /istio-vms installs itself/],
  ])('refuses %j', (text, words) => {
    const problems = overlayProblems(text, labConfig());
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(words);
  });

  it('tells all of them at once', () => {
    const text = spec('{ revision: other, profile: empty, values: { global: { network: n, meshID: m } } }');
    expect(overlayProblems(text, labConfig())).toHaveLength(4);
  });
});

describe('gatewayOverlay', () => {
  it('gives hub, tag and values.global to the gateway, and nothing else of the overlay', () => {
    const overlay = gatewayOverlay(
      spec(
        '{ hub: mirror.example/istio, tag: 1.19.3-debug, profile: demo, components: { pilot: { k8s: { replicaCount: 2 } } },' +
          ' values: { pilot: { traceSampling: 1 }, global: { imagePullPolicy: Always, imagePullSecrets: [pull], multiCluster: { enabled: true } } } }',
      ),
    );
    const made = eastWestGateway(labConfig(), overlay)['spec'] as Record<string, unknown>;
    expect(made).toMatchObject({
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
    expect(JSON.stringify(made)).not.toMatch(/traceSampling|replicaCount/);
  });
});
