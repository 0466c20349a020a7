import type { Config, WorkloadConfig } from '../config/config.ts';
import { knownRow } from '../config/versions.ts';
import type { GuestScript } from '../machines/machine.ts';
import type { FileInput } from '../system/system.ts';
import type { ShippedData } from '../system/shipped.ts';
import { renderEnvFile } from './env-file.ts';
import type { GuestPayload } from './k3s.ts';
import { shippedFile, shippedScript, unitFile, type GuestTexts } from './shipped.ts';
import { workloadIdentity, type WorkloadFiles } from './workload-files.ts';

const LIB = '/usr/local/lib/istio-vms';
const STORE = '/var/lib/istio-vms';
/** Scripts that run as root before and after the agent, by their name in data/guest. */
const HELPERS = ['prepare', 'ready', 'cleanup', 'hosts-block'] as const;

const SIDECAR_PATHS = {
  clusterEnv: '/var/lib/istio/envoy/cluster.env',
  sidecarEnv: `${STORE}/sidecar.env`,
  mesh: '/etc/istio/config/mesh',
  // The agent rewrites its own copy in /etc/certs; sidecar-start.sh copies the file there.
  rootCert: `${STORE}/root-cert.pem`,
  hosts: `${STORE}/hosts`,
  token: `${STORE}/istio-token`,
  package: '/var/cache/istio-vms/istio-sidecar.deb',
  envoy: '/usr/local/bin/envoy',
  agent: '/usr/local/bin/pilot-agent',
  bootstrap: '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json',
} as const;

export interface SidecarInput {
  readonly shipped: Pick<ShippedData, 'guest' | 'versions'>;
  /** Fixed files (`fixWorkloadFiles`). */
  readonly workloadFiles: WorkloadFiles;
  readonly workload: WorkloadConfig;
  /**
   * Address of the workload machine. It is set explicitly, because the agent may pick the address of a bridge (facts
   * 5.7).
   */
  readonly address: string;
}

/**
 * All files that the sidecar reads on the machine, and the script that starts it. Placed after the package (facts 1.4).
 */
export function sidecarFiles(config: Config, input: SidecarInput): GuestPayload {
  const { shipped, workloadFiles } = input;
  return {
    files: [
      unitFile(shipped, 'istio'),
      ...HELPERS.map((name) => shippedFile(shipped, name, `${LIB}/${name}`, 0o755)),
      { path: SIDECAR_PATHS.clusterEnv, content: workloadFiles.clusterEnv, mode: 0o644 },
      { path: SIDECAR_PATHS.sidecarEnv, content: renderEnvFile(sidecarEnv(config, input)), mode: 0o644 },
      { path: SIDECAR_PATHS.mesh, content: workloadFiles.meshYaml, mode: 0o644 },
      { path: SIDECAR_PATHS.rootCert, content: workloadFiles.rootCert, mode: 0o644 },
      { path: SIDECAR_PATHS.hosts, content: workloadFiles.hosts, mode: 0o644 },
      { path: SIDECAR_PATHS.token, content: workloadFiles.token, mode: 0o600 },
    ],
    script: shippedScript(shipped, 'sidecar-start.sh'),
  };
}

/** Environment that istio-start.sh would set, plus what `prepare` and `cleanup` need; read after cluster.env. */
function sidecarEnv(config: Config, input: SidecarInput): ReadonlyMap<string, string> {
  return new Map([
    ['INSTANCE_IP', input.address],
    ['POD_NAME', input.workload.name],
    ['POD_NAMESPACE', input.workload.namespace],
    // One directory for both: after a restart the agent authenticates with the certificate, even when the token is
    // gone (facts 5.8).
    ['PROV_CERT', '/etc/certs'],
    ['OUTPUT_CERTS', '/etc/certs'],
    // A certificate of another identity is deleted before the agent starts, because istiod refuses it when it does not
    // match the agent's own identity.
    ['ISTIO_VMS_IDENTITY', workloadIdentity(input.workload, input.workloadFiles)],
    ['ISTIO_VMS_RULES_CLEANUP', knownRow(config.istio.version, input.shipped.versions).rulesCleanup.join(' ')],
  ]);
}

/** Files whose digests show whether the sidecar on the machine is up to date. */
export const sidecarPaths: readonly string[] = [
  '/etc/systemd/system/istio.service',
  ...HELPERS.map((name) => `${LIB}/${name}`),
  SIDECAR_PATHS.clusterEnv,
  SIDECAR_PATHS.sidecarEnv,
  SIDECAR_PATHS.mesh,
  SIDECAR_PATHS.rootCert,
  SIDECAR_PATHS.hosts,
  SIDECAR_PATHS.token,
];

/** Installation from the deb package: it is copied to the machine and the script installs it. */
export interface DebRoute {
  readonly shipped: GuestTexts;
  readonly deb: FileInput;
}

/** Installation from the image, where no package exists for the CPU: binaries from proxyv2 (facts 1.5). */
export interface ImageRoute {
  readonly shipped: GuestTexts;
  readonly envoy: FileInput;
  readonly agent: FileInput;
  readonly bootstrap: FileInput;
}

/**
 * Program files of the sidecar and the script that installs them. The script's exit codes: 20 wrong CPU, 21 disk full,
 * 22 the package manager failed; `place.sh` gives 21 as well.
 */
export function installScript(config: Config, route: DebRoute | ImageRoute): GuestPayload {
  const version = config.istio.version;
  if ('deb' in route) {
    return {
      files: [{ path: SIDECAR_PATHS.package, content: route.deb, mode: 0o644 }],
      script: shippedScript(route.shipped, 'sidecar-install.sh', ['deb', version, SIDECAR_PATHS.package]),
    };
  }
  return {
    // The script sets the group and the setgid bit, because the group does not exist before it runs.
    files: [
      { path: SIDECAR_PATHS.envoy, content: route.envoy, mode: 0o755 },
      { path: SIDECAR_PATHS.agent, content: route.agent, mode: 0o755 },
      { path: SIDECAR_PATHS.bootstrap, content: route.bootstrap, mode: 0o644 },
    ],
    script: shippedScript(route.shipped, 'sidecar-install.sh', ['image', version]),
  };
}

/** Removes the sidecar and the demo workload from the machine. */
export function removeScript(shipped: GuestTexts): GuestScript {
  return shippedScript(shipped, 'sidecar-remove.sh');
}
