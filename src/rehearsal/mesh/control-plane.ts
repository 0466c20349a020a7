import type { SimulatedCluster } from '../cluster/kube.ts';
import { meshRoot } from '../cluster/istiod.ts';
import { trustedRoot } from '../guest/certificate.ts';
import { guestText } from '../guest/files.ts';
import type { Instance, World } from '../world.ts';
import type { AgentSettings } from './agent.ts';
import { isFaultActive } from '../fault-state.ts';
import { identityProblem, type Refusal } from './identity.ts';
import { balancedAt, hostMatches, isAlive, podsBehind, serversOn, serviceNamed, tlsDestination } from './gateways.ts';

/** Why istiod would not answer an agent now, or undefined: checks both addresses, the root and the identity. */
export function obstacle(
  world: World,
  cluster: SimulatedCluster | undefined,
  instance: Instance,
  settings: AgentSettings,
): Refusal | undefined {
  if (trustedRoot(instance) === undefined) {
    return {
      fatal: true,
      reason: 'failed to read root cert: open ./etc/certs/root-cert.pem: no such file or directory',
    };
  }
  if (isFaultActive(world, 'dns-captured')) {
    // Even the lines in /etc/hosts do not help an agent whose own replies are redirected back to it.
    const [host = ''] = settings.discoveryAddress.split(':');
    return {
      reason: `warn\txdsproxy\tfailed to connect to upstream ${settings.discoveryAddress}: dial tcp: lookup ${host} on 127.0.0.53:53: server misbehaving`,
    };
  }
  const ca =
    cluster === undefined
      ? unreachable(instance, settings.caAddress)
      : pathProblem(world, cluster, instance, settings.caAddress);
  if (ca !== undefined)
    return { reason: `warn\tca\tca request failed, starting attempt 1: rpc error: code = Unavailable desc = ${ca}` };
  const xds = pathProblem(world, cluster as SimulatedCluster, instance, settings.discoveryAddress);
  if (xds !== undefined) {
    return {
      reason: `warn\txdsproxy\tfailed to connect to upstream ${settings.discoveryAddress}: rpc error: code = Unavailable desc = ${xds}`,
    };
  }
  return identityProblem(world, cluster as SimulatedCluster, instance, settings);
}

/** Why istiod cannot be reached at an address from this machine, TLS included; undefined when it can. */
export function pathProblem(
  world: World,
  cluster: SimulatedCluster,
  instance: Instance,
  address: string,
): string | undefined {
  const [host = '', portText = ''] = address.split(':');
  const port = Number(portText);
  const ip = hostsAddress(instance, host);
  if (ip === undefined)
    return `connection error: desc = "transport: Error while dialing: dial tcp: lookup ${host} on 127.0.0.53:53: server misbehaving"`;
  const dialled = (how: string): string =>
    `connection error: desc = "transport: Error while dialing: dial tcp ${ip}:${port}: ${how}"`;
  if (!isAlive(world, ip)) return dialled('i/o timeout');
  if (isFaultActive(world, 'clock-behind'))
    return 'connection error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate has expired or is not yet valid"';
  const balanced = balancedAt(cluster, ip, port);
  if (balanced === undefined || podsBehind(cluster, balanced.service).length === 0)
    return dialled('connect: connection refused');
  if (/^\d/.test(host))
    return `connection error: desc = "transport: authentication handshake failed: x509: cannot validate certificate for ${ip} because it doesn't contain any IP SANs"`;
  const servers = serversOn(cluster, balanced.service, port).filter(
    ({ server }) =>
      server.tls?.mode === 'PASSTHROUGH' && (server.hosts ?? []).some((pattern) => hostMatches(pattern, host)),
  );
  const closed = 'connection error: desc = "transport: authentication handshake failed: EOF"';
  if (servers.length === 0) return dialled('connect: connection refused');
  const target = servers
    .map(({ gateway }) => tlsDestination(cluster, gateway, port, host))
    .find((found) => found !== undefined);
  const service = target === undefined ? undefined : serviceNamed(cluster, target.host, 'default');
  if (target === undefined || service === undefined) return closed;
  if (service.spec.ports?.find((entry) => entry.port === target.port)?.targetPort !== 15012) return closed;
  if (podsBehind(cluster, service).length === 0) return closed;
  if (!istiodNames(cluster, service.metadata.name, service.metadata.namespace ?? '').includes(host)) {
    return `connection error: desc = "transport: authentication handshake failed: x509: certificate is valid for ${istiodNames(cluster, service.metadata.name, service.metadata.namespace ?? '').join(', ')}, not ${host}"`;
  }
  if (trustedRoot(instance) !== meshRoot(cluster.store)) {
    return 'connection error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate signed by unknown authority"';
  }
  return undefined;
}

const unreachable = (instance: Instance, address: string): string => {
  const ip = hostsAddress(instance, address.split(':')[0] ?? '');
  return ip === undefined
    ? `connection error: desc = "transport: Error while dialing: dial tcp: lookup ${address.split(':')[0] ?? ''} on 127.0.0.53:53: server misbehaving"`
    : `connection error: desc = "transport: Error while dialing: dial tcp ${ip}:${address.split(':')[1] ?? ''}: i/o timeout"`;
};

/** Names in istiod's certificate (docs/facts/istio-vm.md 4.6). */
function istiodNames(cluster: SimulatedCluster, service: string, namespace: string): string[] {
  const plane = cluster.store.get('deployments.apps', namespace, service);
  const revision = plane?.metadata.labels?.['istio.io/rev'];
  const own = revision === undefined || revision === 'default' ? [] : [`istiod-${revision}.${namespace}.svc`];
  return [`istiod.${namespace}.svc`, ...own, `istio-pilot.${namespace}.svc`];
}

/**
 * The address of a name in /etc/hosts, or the address itself. The resolver is the sidecar's own by now, so it cannot
 * help.
 */
function hostsAddress(instance: Instance, host: string): string | undefined {
  if (/^\d+(\.\d+){3}$/.test(host)) return host;
  for (const line of (guestText(instance, '/etc/hosts') ?? '').split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (names.includes(host)) return address;
  }
  return undefined;
}
