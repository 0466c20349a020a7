import { stringify } from 'yaml';
import type { Config } from '../config/config.ts';
import { isAtLeast, kubernetesMinor } from '../config/versions.ts';
import type { GuestFile, GuestScript } from '../machines/machine.ts';
import { sha256 } from '../system/digest.ts';
import type { FileInput } from '../system/system.ts';
import { shippedScript, unitFile, type GuestTexts } from './shipped.ts';

const K3S_BINARY = '/usr/local/bin/k3s';
const K3S_CONFIG = '/etc/rancher/k3s/config.yaml';
/**
 * On the server: the password with which agents join, generated there. On an agent: the secure form, which also
 * authenticates the server.
 */
const AGENT_TOKEN = '/etc/rancher/k3s/agent-token';
/** Where the server keeps the secure form `K10<hash>::node:<password>` (docs/facts/k3s.md 2.5). */
export const SERVER_AGENT_TOKEN = '/var/lib/rancher/k3s/server/agent-token';
export const K3S_KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';

/** URL of the API server at this address. */
export const serverUrl = (address: string): string => `https://${address}:6443`;

export interface GuestPayload {
  readonly files: readonly GuestFile[];
  readonly script: GuestScript;
}

export interface ServerInput {
  readonly shipped: GuestTexts;
  /** The verified k3s binary on this computer. */
  readonly binary: FileInput;
  /** Address of this machine. */
  readonly address: string;
}

export interface AgentInput extends ServerInput {
  readonly serverAddress: string;
  /** Content of the server's `SERVER_AGENT_TOKEN`. A secret. */
  readonly agentToken: string;
}

/** Everything on the server node, and the script that starts it. */
export function serverFiles(config: Config, input: ServerInput): GuestPayload {
  return {
    files: [binaryFile(input.binary), configFile(serverConfig(config, input.address)), unitFile(input.shipped, 'k3s')],
    script: shippedScript(input.shipped, 'k3s-start.sh', ['k3s']),
  };
}

/** Everything on a worker, and the script that joins it. */
export function agentFiles(_config: Config, input: AgentInput): GuestPayload {
  return {
    files: [
      binaryFile(input.binary),
      { path: AGENT_TOKEN, content: `${input.agentToken.trim()}\n`, mode: 0o600 },
      configFile(agentConfig(input)),
      unitFile(input.shipped, 'k3s-agent'),
    ],
    script: shippedScript(input.shipped, 'k3s-start.sh', ['k3s-agent']),
  };
}

/**
 * Digest of a worker's input except the binary: its configuration, its unit, and the cluster that its token is for. The
 * cluster is identified by its CA (PEM or base64).
 */
export function agentDigest(input: Omit<AgentInput, 'binary' | 'agentToken'>, authority: string): string {
  const unit = unitFile(input.shipped, 'k3s-agent');
  return sha256(JSON.stringify([configFile(agentConfig(input)).content, unit.content, authority]));
}

/** config.yaml of the server. k3s ignores unknown keys silently: use only those in docs/facts/k3s.md 2.4. */
function serverConfig(config: Config, address: string): Readonly<Record<string, unknown>> {
  return {
    'agent-token-file': AGENT_TOKEN,
    'node-ip': address,
    disable: ['traefik', 'metrics-server', 'local-storage'],
    'disable-helm-controller': true,
    // A string: as a YAML number it would lose its leading zero.
    'write-kubeconfig-mode': '0600',
    // istiod must not land on the smallest machine (docs/facts/k3s.md 9).
    'node-taint': ['node-role.kubernetes.io/control-plane:NoSchedule'],
    // On by default from 1.28. Before, any client could add names to the certificate (CVE-2023-32187).
    ...(isAtLeast('1.27', kubernetesMinor(config.k3s.version)) && { 'tls-san-security': true }),
  };
}

/** config.yaml of a worker. A server-only key is fatal here (docs/facts/k3s.md 2.3). */
function agentConfig(input: Pick<AgentInput, 'address' | 'serverAddress'>): Readonly<Record<string, unknown>> {
  return { server: serverUrl(input.serverAddress), 'token-file': AGENT_TOKEN, 'node-ip': input.address };
}

function configFile(content: Readonly<Record<string, unknown>>): GuestFile {
  return {
    path: K3S_CONFIG,
    content: `# Made by istio-vms.\n${stringify(content, { compat: 'yaml-1.1' })}`,
    mode: 0o600,
  };
}

function binaryFile(binary: FileInput): GuestFile {
  return { path: K3S_BINARY, content: binary, mode: 0o755 };
}
