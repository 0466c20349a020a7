import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Config, WorkloadConfig } from '../config/config.ts';
import { parseEnvFile, renderEnvFile } from './env-file.ts';

/** The five files of `istioctl experimental workload entry configure`, as text. */
export interface WorkloadFiles {
  readonly clusterEnv: string;
  readonly meshYaml: string;
  readonly hosts: string;
  readonly rootCert: string;
  /** A secret. */
  readonly token: string;
}

export interface WorkloadFixes {
  /** Set `CA_ADDR` to the gateway's istiod port; istioctl always writes 15012 (docs/facts/istio-vm.md 4.6). */
  readonly fixCa: boolean;
  /** The same for `PILOT_ADDRESS` and the agent's `discoveryAddress`. */
  readonly fixPilot: boolean;
  /** Address of the east-west gateway. */
  readonly gatewayAddress: string;
  readonly vmAddress: string;
  readonly workload: WorkloadConfig;
}

export interface FixedWorkloadFiles {
  readonly files: WorkloadFiles;
  /** Problems that cannot be fixed here, a sentence each; empty when the files are valid. */
  readonly problems: readonly string[];
}

/** Content of the files, without any secret. */
export interface WorkloadFilesSummary {
  readonly caAddress?: string;
  readonly pilotAddress?: string;
  readonly discoveryAddress?: string;
  readonly gatewayAddress?: string;
  /** The name that `hosts` maps to the gateway's address. */
  readonly istiodHost?: string;
  readonly vmAddress?: string;
  readonly network?: string;
  readonly autoRegisterGroup?: string;
  /** `namespace/name`, from the token. */
  readonly serviceAccount?: string;
  /** Seconds since 1970; absent when the token cannot be parsed. */
  readonly tokenExpires?: number;
}

/** The host name of this revision's istiod for machines outside the cluster. */
export function istiodHost(config: Config): string {
  return `istiod-${config.istio.revision}.${config.istio.namespace}.svc`;
}

/** The address at which a machine outside the cluster connects to istiod: the gateway's external port. */
export function istiodAddress(config: Config): string {
  return `${istiodHost(config)}:${config.gateway.istiod.outside}`;
}

/** The identity that the machine's certificate must have, in the trust domain of the files. */
export function workloadIdentity(workload: WorkloadConfig, files: Pick<WorkloadFiles, 'clusterEnv'>): string {
  const trustDomain = parseEnvFile(files.clusterEnv).get('TRUST_DOMAIN') || 'cluster.local';
  return `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount}`;
}

/**
 * Adapts the files to this lab: istiod's address on the gateway's port, the machine's own address, a `hosts` that is
 * never empty, and cluster.env in a form that systemd reads as a shell does. Pure and idempotent.
 */
export function fixWorkloadFiles(files: WorkloadFiles, config: Config, fixes: WorkloadFixes): FixedWorkloadFiles {
  const address = istiodAddress(config);
  const env = new Map(parseEnvFile(files.clusterEnv));
  env.set('ISTIO_SVC_IP', fixes.vmAddress);
  if (fixes.fixCa) env.set('CA_ADDR', address);
  if (fixes.fixPilot) env.set('PILOT_ADDRESS', address);
  const fixed = {
    clusterEnv: renderEnvFile(env),
    meshYaml: fixes.fixPilot ? withDiscoveryAddress(files.meshYaml, address) : files.meshYaml,
    // istioctl leaves it empty, with exit code 0, when the gateway had no address yet (docs/facts/istio-vm.md 4.4).
    hosts: `${fixes.gatewayAddress} ${istiodHost(config)}\n`,
    rootCert: files.rootCert,
    token: `${files.token.trim()}\n`,
  };
  return { files: fixed, problems: problemsOf(fixed, config, fixes) };
}

/** Summary of the files for `status` and `verify`. Contains no secrets. */
export function describeWorkloadFiles(files: WorkloadFiles): WorkloadFilesSummary {
  const env = parseEnvFile(files.clusterEnv);
  const [gatewayAddress, host] = files.hosts.trim().split(/\s+/);
  const claims = claimsOf(files.token);
  return withoutGaps({
    caAddress: env.get('CA_ADDR'),
    pilotAddress: env.get('PILOT_ADDRESS'),
    discoveryAddress: discoveryAddressOf(files.meshYaml),
    gatewayAddress: gatewayAddress === '' ? undefined : gatewayAddress,
    istiodHost: host,
    vmAddress: env.get('ISTIO_SVC_IP'),
    network: env.get('ISTIO_META_NETWORK'),
    autoRegisterGroup: env.get('ISTIO_META_AUTO_REGISTER_GROUP'),
    serviceAccount: claims.serviceAccount,
    tokenExpires: claims.expires,
  });
}

function problemsOf(files: WorkloadFiles, config: Config, fixes: WorkloadFixes): string[] {
  const env = parseEnvFile(files.clusterEnv);
  const { serviceAccount, namespace, app } = fixes.workload;
  const claims = claimsOf(files.token);
  const found: [boolean, string][] = [
    [
      !isIPv4(fixes.gatewayAddress),
      `hosts: ${JSON.stringify(fixes.gatewayAddress)} is not an address of the east-west gateway.`,
    ],
    [
      !isIPv4(fixes.vmAddress),
      `cluster.env: ${JSON.stringify(fixes.vmAddress)} is not an address of the workload machine.`,
    ],
    [
      env.get('ISTIO_META_AUTO_REGISTER_GROUP') !== app,
      `cluster.env: the machine would not register itself in the group ${app}.`,
    ],
    [env.get('ISTIO_META_NETWORK') !== config.networks.vm, `cluster.env: the network is not ${config.networks.vm}.`],
    [env.get('POD_NAMESPACE') !== namespace, `cluster.env: the namespace is not ${namespace}.`],
    [
      !files.rootCert.includes('-----BEGIN CERTIFICATE-----'),
      'root-cert.pem holds no certificate; the agent refuses to start without.',
    ],
    [files.token.trim() === '', 'istio-token is empty.'],
    [
      claims.serviceAccount !== undefined && claims.serviceAccount !== `${namespace}/${serviceAccount}`,
      `istio-token is for the service account ${claims.serviceAccount}, not for ${namespace}/${serviceAccount}.`,
    ],
  ];
  return found.flatMap(([wrong, sentence]) => (wrong ? [sentence] : []));
}

interface Mesh {
  defaultConfig?: { discoveryAddress?: string; [field: string]: unknown } | null;
  [field: string]: unknown;
}

function withDiscoveryAddress(meshYaml: string, address: string): string {
  const mesh = (parse(meshYaml) ?? {}) as Mesh;
  return stringify({ ...mesh, defaultConfig: { ...mesh.defaultConfig, discoveryAddress: address } });
}

function discoveryAddressOf(meshYaml: string): string | undefined {
  return ((parse(meshYaml) ?? {}) as Mesh).defaultConfig?.discoveryAddress;
}

interface Claims {
  readonly serviceAccount?: string;
  readonly expires?: number;
}

const payloadSchema = z.object({
  exp: z.number().optional().catch(undefined),
  sub: z.string().optional().catch(undefined),
});

/** The payload of a JWT, not verified: only the API server can verify it, and this is only displayed. */
function claimsOf(token: string): Claims {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.trim().split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { exp, sub } = payloadSchema.parse(payload);
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(sub ?? '') ?? [];
    return withoutGaps({ serviceAccount: namespace && name ? `${namespace}/${name}` : undefined, expires: exp });
  } catch {
    return {};
  }
}

function isIPv4(text: string): boolean {
  const octets = text.split('.');
  return octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
}

type WithoutGaps<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutGaps<T extends object>(object: T): WithoutGaps<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as WithoutGaps<T>;
}
