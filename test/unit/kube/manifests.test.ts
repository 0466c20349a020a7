import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Config } from '../../../src/config/config.ts';
import { controlPlane } from '../../../src/kube/manifests/control-plane.ts';
import { eastWestGateway } from '../../../src/kube/manifests/east-west-gateway.ts';
import { exposeIstiod, exposeServices, networkNamespace } from '../../../src/kube/manifests/expose.ts';
import {
  articleDenyAll,
  articleDenyEgress,
  denyEgressToVm,
  plainClientObjects,
  strictObject,
} from '../../../src/kube/manifests/policies.ts';
import { toYaml, type Manifest } from '../../../src/kube/manifests/manifest.ts';
import { routeObjects, workloadGroup, workloadObjects } from '../../../src/kube/manifests/workload.ts';
import { SAMPLE_DEPLOYMENTS, sampleObjects } from '../../../src/kube/manifests/sample.ts';
import { labConfig, versions } from './lab.ts';

const documents: Record<string, (config: Config) => readonly Manifest[]> = {
  'control-plane': (config) => [controlPlane(config)],
  'east-west-gateway': (config) => [eastWestGateway(config)],
  expose: (config) => [networkNamespace(config), ...exposeIstiod(config), ...exposeServices(config)],
  workload: (config) => workloadObjects(config, config.workloads[0]),
  route: (config) => routeObjects(config, config.workloads[0]),
  sample: (config) => sampleObjects(config, versions),
  strict: (config) => [strictObject(config), ...plainClientObjects(config)],
  'network-policies': (config) => [
    articleDenyAll(config, config.workloads[0]),
    articleDenyEgress(config, config.workloads[0]),
    denyEgressToVm(config, '192.168.64.64'),
  ],
};
const names = Object.keys(documents);
const make = (name: string, config: Config): readonly Manifest[] => documents[name]?.(config) ?? [];

describe.each(['1.19.3', '1.30.3', '1.32.0'])('manifests for Istio %s', (version) => {
  it.each(names)('match the golden file %s and parse back unchanged', async (name) => {
    const objects = make(name, labConfig(version));
    const text = toYaml(objects);
    await expect(text).toMatchFileSnapshot(`golden/${version}/${name}.yaml`);
    expect(parseAllDocuments(text).map((document) => document.toJS() as unknown)).toEqual(objects);
  });
});

describe('all manifests', () => {
  const all = names.flatMap((name) => make(name, labConfig('1.22.8', 'small')));
  const inCluster = all.filter((object) => object.kind !== 'IstioOperator');

  it('label every object in the cluster with the lab', () => {
    for (const object of inCluster) {
      expect(object.metadata.labels, `${object.kind} ${object.metadata.name}`).toMatchObject({
        'app.kubernetes.io/managed-by': 'istio-vms',
        'istio-vms/lab': 'test-lab',
      });
    }
  });

  it('use the one version of Istio objects that 1.19 and 1.32 both serve', () => {
    const istio = inCluster.filter((object) => object.apiVersion.includes('istio.io'));
    expect(istio.length).toBeGreaterThan(4);
    for (const object of istio) expect(object.apiVersion).toMatch(/^(networking|security)\.istio\.io\/v1beta1$/);
  });

  it('contain no two objects with the same kind, namespace and name', () => {
    const keys = all
      .filter((object) => object.kind !== 'Namespace')
      .map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('give both IstioOperator files their own name, so that no install prunes the other', () => {
    expect(controlPlane(labConfig()).metadata.name).not.toBe(eastWestGateway(labConfig()).metadata.name);
  });
});

describe('manifests with other values', () => {
  const base = labConfig();
  const other: Config = {
    ...base,
    istio: { ...base.istio, namespace: 'mesh' },
    workloads: [{ ...base.workloads[0], namespace: 'outside', app: 'shop', appPort: 9090 }],
    gateway: { ...base.gateway, istiod: { outside: 25012, inside: 15112 } },
  };

  it('use the gateway Service port in server and match, and the port of istiod in the destination', () => {
    const [gateway, route] = exposeIstiod(other);
    expect(gateway).toMatchObject({
      metadata: { namespace: 'mesh' },
      spec: { servers: [{ port: { number: 25012 } }, {}] },
    });
    expect(route).toMatchObject({
      spec: {
        tls: [
          {
            match: [{ port: 25012, sniHosts: ['istiod-1-19-3.mesh.svc', 'istiod-1-19-3.mesh.svc.cluster.local'] }],
            route: [{ destination: { host: 'istiod-1-19-3.mesh.svc.cluster.local', port: { number: 15012 } } }],
          },
          {},
        ],
      },
    });
    expect(JSON.stringify(eastWestGateway(other))).toContain('{"name":"tls-istiod","port":25012,"targetPort":15112}');
  });

  it('set the control plane namespace as a value, since metadata.namespace has no effect', () => {
    for (const object of [controlPlane(other), eastWestGateway(other)]) {
      expect(object).toMatchObject({ spec: { values: { global: { istioNamespace: 'mesh' } } } });
    }
  });

  it('capture all ports and probe the workload', () => {
    const group = workloadGroup(other, other.workloads[0]);
    expect(group).toMatchObject({
      metadata: { name: 'shop', namespace: 'outside' },
      spec: { metadata: { labels: { app: 'shop' } }, probe: { httpGet: { port: 9090, path: '/' } } },
    });
    expect(group).not.toHaveProperty('spec.template.ports');
    expect(routeObjects(other, other.workloads[0])[0]).toMatchObject({
      spec: { selector: { app: 'shop' }, ports: [{ port: 8000, targetPort: 9090 }] },
    });
  });

  it('lower the memory request of istiod only for a small lab', () => {
    expect(controlPlane(labConfig('1.26.8', 'small'))).toMatchObject({
      spec: { components: { pilot: { k8s: { resources: { requests: { memory: '256Mi' } } } } } },
    });
    expect(controlPlane(base)).not.toHaveProperty('spec.components');
  });

  it('contain the sample Deployments that are waited for, with the images of this Istio', () => {
    const deployments = sampleObjects(labConfig('1.30.3'), versions).filter((object) => object.kind === 'Deployment');
    expect(deployments.map((object) => object.metadata.name)).toEqual([...SAMPLE_DEPLOYMENTS]);
    expect(JSON.stringify(deployments)).toContain(versions.istio['1.30']?.helloworldImages[1]);
  });
});
