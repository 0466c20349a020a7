import type { Config, VersionTable } from '../../config/config.ts';
import { knownRow } from '../../config/versions.ts';
import { curlClient, deployment } from './deployment.ts';
import { labels, meshNamespace, NETWORKING, type Manifest } from './manifest.ts';

export const SAMPLE_NAMESPACE = 'sample';
export const MESH_CLIENT = 'mesh-client';
export const HELLOWORLD_PORT = 5000;
/** Name of the DestinationRule of helloworld. */
export const DESTINATION_RULE = 'helloworld';

/** Every Deployment of the sample application. */
export const SAMPLE_DEPLOYMENTS = ['helloworld-v1', 'helloworld-v2', MESH_CLIENT] as const;

/**
 * The sample application in an injected namespace: helloworld in two versions behind one Service, and a client. The
 * images are those of this Istio version, for both CPUs (docs/facts/istio-vm.md 7).
 */
export function sampleObjects(config: Config, versions: VersionTable): readonly Manifest[] {
  const images = knownRow(config.istio.version, versions).helloworldImages;
  return [
    meshNamespace(config, SAMPLE_NAMESPACE),
    helloworldService(config),
    helloworldConnections(config),
    helloworld(config, 'v1', images[0]),
    helloworld(config, 'v2', images[1]),
    curlClient(config, MESH_CLIENT, SAMPLE_NAMESPACE),
  ];
}

function helloworldService(config: Config): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'helloworld', namespace: SAMPLE_NAMESPACE, labels: { ...labels(config), app: 'helloworld' } },
    spec: { selector: { app: 'helloworld' }, ports: [{ name: 'http', port: HELLOWORLD_PORT }] },
  };
}

/**
 * One connection per request. Envoy on the workload VM would reuse one connection per gateway address, and the gateway
 * picks a pod only when a connection is opened: with few nodes all requests could go to one version
 * (docs/facts/real-mesh.md 6.10).
 */
function helloworldConnections(config: Config): Manifest {
  return {
    apiVersion: NETWORKING,
    kind: 'DestinationRule',
    metadata: { name: DESTINATION_RULE, namespace: SAMPLE_NAMESPACE, labels: labels(config) },
    spec: {
      host: `helloworld.${SAMPLE_NAMESPACE}.svc.cluster.local`,
      trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } },
    },
  };
}

function helloworld(config: Config, version: 'v1' | 'v2', image: string): Manifest {
  return deployment(config, {
    name: `helloworld-${version}`,
    namespace: SAMPLE_NAMESPACE,
    labels: { app: 'helloworld', version },
    container: {
      name: 'helloworld',
      image,
      ports: [{ containerPort: HELLOWORLD_PORT }],
      resources: { requests: { cpu: config.labSize === 'small' ? '20m' : '100m' } },
    },
  });
}
