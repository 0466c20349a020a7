import { join } from 'node:path/posix';
import type { Host } from '../system/system.ts';
import type { Config, GatewayPort, VersionTable } from './config.ts';
import { absolutePath } from './paths.ts';
import { nodeNames } from './name-rules.ts';
import { engineSettings } from './engines.ts';
import type { VariableName } from './schema.ts';
import type { Values } from './resolve-defaults.ts';
import { knownRow, minorOf } from './versions.ts';

/** The Config for complete and valid values. Pure. */
export function deriveConfig(values: Values, host: Host, versions: VersionTable): Config {
  const text = (name: VariableName) => values[name].value;
  const number = (name: VariableName) => Number(text(name));
  const size = (place: 'MASTER' | 'WORKER' | 'VM') => ({
    cpus: number(`CPU_${place}`),
    memory: text(`MEM_${place}`),
    disk: text(`DISK_${place}`),
  });
  const ports = (name: 'STATUS' | 'TLS_ISTIOD' | 'TLS_WEBHOOK'): GatewayPort => ({
    outside: number(`EWG_PORT_${name}`),
    inside: number(`DEFAULT_PORT_${name}`),
  });
  const digests = versions.digests.k3s[text('K3S_VERSION')];
  return {
    lab: text('LAB_NAME'),
    labSize: text('LAB_SIZE') === 'small' ? 'small' : 'article',
    engine: text('MACHINE_ENGINE'),
    engineSettings: engineSettings(text('MACHINE_ENGINE'), text),
    runOs: text('RUN_OS'),
    istio: istio(text, host, versions),
    k3s: {
      version: text('K3S_VERSION'),
      workers: number('WORKERS'),
      ...nodeNames(text('NODE_PREFIX'), number('WORKERS')),
      masterSize: size('MASTER'),
      workerSize: size('WORKER'),
      ...(digests === undefined ? {} : { digests }),
    },
    workloads: [
      {
        name: text('WORKLOAD_VM_NAME'),
        size: size('VM'),
        app: text('VM_APP'),
        appPort: number('VM_APP_PORT'),
        demo: text('DEMO') === 'on',
        namespace: text('VM_NAMESPACE'),
        serviceAccount: text('SERVICE_ACCOUNT'),
      },
    ],
    networks: { cluster: text('CLUSTER_NETWORK'), vm: text('VM_NETWORK') },
    gateway: { status: ports('STATUS'), istiod: ports('TLS_ISTIOD'), webhook: ports('TLS_WEBHOOK') },
    containerTool: text('CONTAINER_TOOL') === 'podman' ? 'podman' : 'docker',
    ...(text('ARTIFACTS_URL') === '' ? {} : { artifactsUrl: text('ARTIFACTS_URL') }),
    launches: number('LAUNCHES'),
    paths: paths(text, host),
    context: `istio-vms-${text('LAB_NAME')}`,
  };
}

function istio(text: (name: VariableName) => string, host: Host, versions: VersionTable): Config['istio'] {
  const version = text('ISTIO_VERSION');
  const [arch, overlay] = [text('ISTIO_ARCH'), text('ISTIO_OVERLAY')];
  const row = knownRow(version, versions);
  return {
    version,
    minor: minorOf(version),
    revision: text('ISTIO_REVISION'),
    namespace: text('ISTIO_NAMESPACE'),
    meshId: text('ISTIO_MESH_ID'),
    cluster: text('ISTIO_CLUSTER'),
    ...(arch === '' ? {} : { arch }),
    ...(overlay === '' ? {} : { overlay: absolutePath(overlay, host) }),
    ...(row.builtInHub !== undefined ? { hub: row.hub } : {}),
    ...(row.endOfLife ? { endOfLife: { newestTested: versions.newestTested } } : {}),
  };
}

function paths(text: (name: VariableName) => string, host: Host): Config['paths'] {
  const absolute = (name: VariableName) => absolutePath(text(name), host);
  return {
    data: absolute('DATA_DIR'),
    bin: absolute('BIN_DIR'),
    temp: absolute('TEMP_DIR'),
    kubeconfig: absolute('KUBECONFIG'),
    workloadFiles: join(absolute('DATA_DIR'), 'workload-files'),
    machinesRecord: join(absolute('DATA_DIR'), 'machines.json'),
    istioctlLink: join(absolute('BIN_DIR'), 'istioctl'),
    istioctl: join(absolute('BIN_DIR'), `istioctl-${text('ISTIO_VERSION')}`),
    manifests: join(absolute('TEMP_DIR'), 'manifests'),
    logs: join(absolute('TEMP_DIR'), 'logs'),
    cache: absolute('ISTIO_VMS_CACHE'),
  };
}
