import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer, type TLSSocket } from 'node:tls';
import { readToken } from '../../../src/rehearsal/cluster/tokens.ts';
import type { SimulatedCluster } from '../../../src/rehearsal/cluster/index.ts';
import { ENTRIES, register, unregister, type Connection } from '../../../src/rehearsal/mesh/registration.ts';
import type { Instance, World } from '../../../src/rehearsal/world.ts';
import type { CertificateAuthority } from './certificate-authority.ts';

const GROUPS = 'workloadgroups.networking.istio.io';

/** Requests of the stand-in agent on the machine; see package/pilot-agent. */
type Message =
  | { readonly csr: string; readonly token: string }
  | {
      readonly node: {
        readonly name: string;
        readonly namespace: string;
        readonly address: string;
        readonly group: string;
        readonly network: string;
        readonly cluster: string;
        readonly labels: Readonly<Record<string, string>>;
      };
    };

type Answer = Readonly<Record<string, string>>;

export interface Istiod {
  readonly port: number;
  /** Connects it to a cluster; until then every request is refused. */
  readonly serve: (world: World, cluster: SimulatedCluster) => void;
  /** How each certificate request so far was authenticated. */
  readonly credentials: readonly ('certificate' | 'token')[];
  readonly close: () => Promise<void>;
}

/**
 * A stand-in for istiod behind the gateway: a TLS port that issues certificates and registers the machines that open a
 * stream (docs/facts/istio-vm.md 5.8, 6.1). It writes to the simulated cluster.
 */
export async function startIstiod(
  address: string,
  names: readonly string[],
  ca: CertificateAuthority,
): Promise<Istiod> {
  const { certificate, key } = await ca.server(names);
  const credentials: ('certificate' | 'token')[] = [];
  const lines = new Set<TLSSocket>();
  let mesh: { world: World; cluster: SimulatedCluster } | undefined;

  const certify = async (line: TLSSocket, { csr, token }: { csr: string; token: string }): Promise<Answer> => {
    const { cluster } = mesh ?? {};
    const known = identityOfCertificate(line);
    const claimed = cluster === undefined ? undefined : identityOfToken(cluster, token);
    const identity = known ?? claimed;
    if (identity === undefined) return { error: 'code = Unauthenticated desc = authentication failure' };
    credentials.push(known === undefined ? 'token' : 'certificate');
    return { certificate: await ca.sign(csr, identity), root: ca.root };
  };

  const connect = (line: TLSSocket, { node }: Extract<Message, { node: unknown }>): Answer => {
    if (mesh === undefined) return { error: 'code = Unavailable' };
    const { world, cluster } = mesh;
    if (identityOfCertificate(line)?.includes(`/ns/${node.namespace}/`) !== true)
      return { error: 'code = PermissionDenied desc = no certificate of that namespace' };
    const group = cluster.store.get(GROUPS, node.namespace, node.group);
    if (group === undefined) return { error: `code = PermissionDenied desc = cannot find WorkloadGroup ${node.group}` };
    const revision = /^istiod-([^.]+)\./.exec(names[0] ?? '')?.[1] ?? 'default';
    const connection = { cluster, since: world.clock.now(), revision, group, settings: { ...node, probe: undefined } };
    register(connection as unknown as Connection);
    line.once('close', () => {
      unregister(world, connection as unknown as Connection, { state: 'Running' } as Instance);
    });
    return { version: 'stand-in' };
  };

  const server = createServer({ cert: certificate, key, ca: ca.root, requestCert: true, rejectUnauthorized: false });
  server.on('secureConnection', (line) => {
    lines.add(line);
    line.on('error', () => line.destroy());
    line.on('close', () => lines.delete(line));
    const handle = async (text: string): Promise<void> => {
      const message = JSON.parse(text) as Message;
      const answer = 'csr' in message ? await certify(line, message) : connect(line, message);
      line.write(`${JSON.stringify(answer)}\n`);
    };
    // A client that does not send JSON is not one of our agents.
    createInterface(line).once('line', (text) => void handle(text).catch(() => line.destroy()));
  });
  server.listen(0, address);
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    credentials,
    serve: (world, cluster) => (mesh = { world, cluster }),
    close: async () => {
      server.close();
      for (const line of lines) line.destroy();
      await ca.close();
    },
  };
}

/** The SPIFFE ID in the client certificate; undefined without a certificate of our CA. */
function identityOfCertificate(line: TLSSocket): string | undefined {
  if (!line.authorized) return undefined;
  const { subjectaltname = '' } = line.getPeerCertificate();
  return /URI:(spiffe:[^,]+)/.exec(subjectaltname)?.[1];
}

function identityOfToken(cluster: SimulatedCluster, token: string): string | undefined {
  const claims = readToken(cluster, token);
  if (claims === undefined || claims.expires * 1000 <= Date.now() || claims.audience !== 'istio-ca') return undefined;
  return `spiffe://cluster.local/ns/${claims.namespace}/sa/${claims.serviceAccount}`;
}

/** Addresses of the machines that are registered now. */
export function registered(cluster: SimulatedCluster): readonly string[] {
  return cluster.store
    .list(ENTRIES)
    .filter(({ metadata }) => metadata.annotations?.['istio.io/disconnectedAt'] === undefined)
    .map(({ spec }) => (spec as { address: string }).address);
}
