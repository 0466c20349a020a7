import { parse } from 'yaml';
import { guestText } from '../guest/files.ts';
import { execLine, findUnitFile } from '../guest/unit-file.ts';
import type { Instance } from '../world.ts';
import { unitEnvironment } from './environment.ts';

export interface HttpProbe {
  readonly path: string;
  readonly port: number;
  readonly host: string;
  readonly periodMs: number;
  readonly failures: number;
  readonly successes: number;
}

/** Settings of pilot-agent on a workload VM, from its files and its environment. */
export interface AgentSettings {
  /** host:port for XDS. */
  readonly discoveryAddress: string;
  /** host:port for certificates. */
  readonly caAddress: string;
  readonly name: string;
  readonly namespace: string;
  /** The service account that the agent claims; istiod compares it with the agent's certificate. */
  readonly serviceAccount: string;
  /** WorkloadGroup to register in, if any. */
  readonly group: string | undefined;
  readonly address: string;
  readonly network: string;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dnsCapture: boolean;
  readonly captures: (port: number) => boolean;
  /** Directory of the certificate that the agent presents, if any. */
  readonly certificates: string | undefined;
  readonly probe: HttpProbe | undefined;
}

interface ProxyConfig {
  discoveryAddress?: string;
  readinessProbe?: {
    httpGet?: { path?: string; port?: number | string; host?: string };
    periodSeconds?: number;
    failureThreshold?: number;
    successThreshold?: number;
  };
}

/**
 * Reads the settings as the agent does (docs/facts/istio-vm.md 4.6): mesh file, then PROXY_CONFIG, then the
 * environment.
 */
export function agentSettings(instance: Instance): AgentSettings {
  const env = unitEnvironment(instance, 'istio');
  const mesh =
    (yaml(guestText(instance, '/etc/istio/config/mesh')) as { defaultConfig?: ProxyConfig }).defaultConfig ?? {};
  const proxy = yaml(env.get('PROXY_CONFIG')) as ProxyConfig;
  const namespace = env.get('POD_NAMESPACE') ?? env.get('ISTIO_NAMESPACE') ?? 'default';
  const configured = proxy.discoveryAddress ?? mesh.discoveryAddress ?? 'istiod.istio-system.svc:15012';
  // Only upstream's start script knows PILOT_ADDRESS, and it always exports CA_ADDR.
  const pilot = startsByScript(instance) ? env.get('PILOT_ADDRESS') : undefined;
  const address = env.get('INSTANCE_IP') ?? env.get('ISTIO_SVC_IP') ?? instance.address;
  const ports = env.get('ISTIO_INBOUND_PORTS') ?? '*';
  const spared = (env.get('ISTIO_LOCAL_EXCLUDE_PORTS') ?? '').split(',');
  return {
    discoveryAddress: pilot ?? configured,
    caAddress: env.get('CA_ADDR') ?? pilot ?? configured,
    name: env.get('POD_NAME') ?? instance.name,
    namespace,
    serviceAccount: env.get('SERVICE_ACCOUNT') ?? '',
    group: env.get('ISTIO_META_AUTO_REGISTER_GROUP'),
    address,
    network: env.get('ISTIO_META_NETWORK') ?? '',
    cluster: env.get('ISTIO_META_CLUSTER_ID') ?? 'Kubernetes',
    labels: jsonLabels(env.get('ISTIO_METAJSON_LABELS')),
    dnsCapture: env.get('ISTIO_META_DNS_CAPTURE') === 'true',
    captures: (port) => !spared.includes(String(port)) && (ports === '*' || ports.split(',').includes(String(port))),
    certificates: env.get('PROV_CERT') ?? (startsByScript(instance) ? '/etc/certs' : undefined),
    probe: httpProbe(proxy.readinessProbe ?? mesh.readinessProbe, address),
  };
}

function startsByScript(instance: Instance): boolean {
  const line = findUnitFile(instance, 'istio')?.get('Service.ExecStart');
  return line !== undefined && execLine(line).program.endsWith('/istio-start.sh');
}

function yaml(text: string | undefined): object {
  const value: unknown = text === undefined ? undefined : parse(text);
  return typeof value === 'object' && value !== null ? value : {};
}

function jsonLabels(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>;
  } catch {
    return {}; // the quoting was lost on the way: no labels, as in the agent itself
  }
}

/** Defaults of docs/facts/istio-vm.md 6.2. */
function httpProbe(probe: ProxyConfig['readinessProbe'], address: string): HttpProbe | undefined {
  if (probe?.httpGet === undefined) return undefined;
  return {
    path: probe.httpGet.path ?? '/',
    port: Number(probe.httpGet.port ?? 80),
    host: probe.httpGet.host ?? address,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    failures: probe.failureThreshold ?? 1,
    successes: probe.successThreshold ?? 1,
  };
}
