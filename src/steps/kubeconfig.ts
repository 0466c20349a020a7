import { parse, stringify } from 'yaml';
import { serverUrl } from '../guest/k3s.ts';

/** The k3s kubeconfig for use from this computer: the machine's address, our own context name, nothing else. */
export function rewriteKubeconfig(text: string, address: string, context: string): string {
  const source = parse(text) as {
    clusters: { cluster: Record<string, unknown> }[];
    users: { user: Record<string, unknown> }[];
  };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: context, cluster: { ...source.clusters[0]?.cluster, server: serverUrl(address) } }],
    users: [{ name: context, user: source.users[0]?.user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    'current-context': context,
  });
}

/** The cluster's CA as a kubeconfig carries it (base64): another cluster has another one. */
export function authorityOf(kubeconfig: string): string | undefined {
  const parsed = parse(kubeconfig) as {
    clusters?: { cluster?: { 'certificate-authority-data'?: string } }[];
  } | null;
  return parsed?.clusters?.[0]?.cluster?.['certificate-authority-data'];
}

/** The API server's URL that a kubeconfig names first. */
export function serverOf(kubeconfig: string): string | undefined {
  const parsed = parse(kubeconfig) as { clusters?: { cluster?: { server?: string } }[] } | null;
  return parsed?.clusters?.[0]?.cluster?.server;
}
