import { parse } from 'yaml';

/** config.yaml as a table. */
export type K3sConfig = Readonly<Record<string, unknown>>;

/** Flags that both roles know (docs/facts/k3s.md 2.4). */
const BOTH =
  'token token-file node-ip node-external-ip flannel-iface node-name with-node-id node-label node-taint kubelet-arg ' +
  'kube-proxy-arg resolv-conf snapshotter pause-image private-registry data-dir prefer-bundled-bin ' +
  'protect-kernel-defaults debug lb-server-port selinux disable-default-registry-endpoint docker bind-address server';

/** Flags of the server only; each of them is fatal in an agent's file (docs/facts/k3s.md 2.3). */
const SERVER =
  'agent-token agent-token-file tls-san tls-san-security disable disable-helm-controller disable-network-policy ' +
  'disable-cloud-controller disable-kube-proxy disable-scheduler write-kubeconfig write-kubeconfig-mode ' +
  'write-kubeconfig-group write-kubeconfig-name cluster-cidr service-cidr cluster-dns cluster-domain flannel-backend ' +
  'kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg secrets-encryption egress-selector-mode ' +
  'https-listen-port advertise-address cluster-init servicelb-namespace system-default-registry';

const AGENT_FLAGS = new Set(BOTH.split(' '));
const SERVER_FLAGS = new Set([...BOTH.split(' '), ...SERVER.split(' ')]);

/** A value that is text, or a plain number or switch; undefined for anything else. */
export function scalar(config: K3sConfig, key: string): string | undefined {
  const value = config[key];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

export interface ReadConfig {
  readonly config: K3sConfig;
  /** Written to the journal, without further effect. */
  readonly warnings: readonly string[];
  /** The process exits with this message. */
  readonly fatal?: string;
}

/** Reads config.yaml as the role does: a server ignores unknown flags, an agent exits because of them. */
export function readK3sConfig(text: string | undefined, role: 'server' | 'agent'): ReadConfig {
  const parsed: unknown = text === undefined ? {} : (parse(text) ?? {});
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    return { config: {}, warnings: [], fatal: 'level=fatal msg="Error: cannot unmarshal config file"' };
  }
  const config = parsed as K3sConfig;
  const known = role === 'server' ? SERVER_FLAGS : AGENT_FLAGS;
  const unknown = Object.keys(config).filter((key) => !known.has(key.replace(/\+$/, '')));
  if (role === 'agent' && unknown[0] !== undefined) {
    return { config, warnings: [], fatal: `flag provided but not defined: -${unknown[0]}` };
  }
  return { config, warnings: unknown.map((key) => `Unknown flag --${key} found in config.yaml, skipping`) };
}
