import { parse } from 'yaml';
import { clusterOf, type SimulatedCluster } from '../../cluster/kube.ts';
import { KUBECTL_CALL, KUBECTL_REFUSED, KUBECTL_UNREACHABLE } from '../../durations.ts';
import { isFaultOn, isFaultActive } from '../../fault-state.ts';
import type { HostCall, ProgramResult } from '../../world.ts';

interface Kubeconfig {
  readonly clusters?: readonly { name: string; cluster: { server?: string; 'certificate-authority-data'?: string } }[];
  readonly contexts?: readonly { name: string; context: { cluster: string; user: string } }[];
  readonly users?: readonly {
    name: string;
    user: { 'client-certificate-data'?: string; 'client-key-data'?: string };
  }[];
}

/** The fault `api-away`: no answer for ten seconds of every twenty. */
const often = (now: number): boolean => Math.floor(now / 10_000) % 2 === 0;
const API_SLOW = 5_000;

/** Kubeconfigs by their text, because every call reads one and it is nearly always the same. */
const known = new Map<string, Kubeconfig>();
const KEPT = 50;

function parsed(text: string): Kubeconfig {
  let config = known.get(text);
  if (config === undefined) {
    config = (parse(text) ?? {}) as Kubeconfig;
    if (known.size >= KEPT) known.clear();
    known.set(text, config);
  }
  return config;
}

/** Why there is no connection; `failure` has kubectl's words, other clients have their own. */
export interface Trouble {
  /** kubectl's message about its kubeconfig, without the prefix of the line. */
  readonly text?: string;
  readonly kind: 'kubeconfig' | 'refused' | 'timeout' | 'x509' | 'unauthorized';
  /** `host:port`, if the kubeconfig names one. */
  readonly server?: string;
}

export type Connection =
  { readonly cluster: SimulatedCluster } | { readonly failure: ProgramResult; readonly trouble: Trouble };

/** Failure of a client program: exit 1 with this on stderr. */
const failure = (text: string): ProgramResult => ({ exitCode: 1, stderr: `${text}\n` });

/** The fault `api-flaky`: no answer for two seconds of every forty. */
const flaky = (now: number): boolean => Math.floor(now / 1000) % 40 < 2;

/**
 * Connects to the API server of a kubeconfig's context, as every client does. It checks the file, the context, the
 * address that really serves, the CA and the client certificate. The time of one call passes.
 */
export async function connect(
  call: HostCall,
  kubeconfig: string,
  context: string,
  took = KUBECTL_CALL,
): Promise<Connection> {
  const { world, files, signal } = call;
  const no = async (text: string, time: number, trouble: Trouble = { kind: 'kubeconfig' }): Promise<Connection> => {
    await world.clock.sleep(time, signal);
    const said = trouble.kind === 'kubeconfig' ? { ...trouble, text: text.replace(/^error: /, '') } : trouble;
    return { failure: failure(text), trouble: said };
  };
  const text = await files.readText(kubeconfig);
  if (text === undefined) return no(`error: stat ${kubeconfig}: no such file or directory`, took);
  let config: Kubeconfig;
  try {
    config = parsed(text);
  } catch {
    return no(`error: error loading config file "${kubeconfig}": yaml: did not find expected node content`, took);
  }
  const chosen = config.contexts?.find(({ name }) => name === context)?.context;
  if (chosen === undefined) return no(`error: context "${context}" does not exist`, took);
  const target = config.clusters?.find(({ name }) => name === chosen.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === chosen.user)?.user;
  if (target?.server === undefined) return no(`error: cluster "${chosen.cluster}" does not exist`, took);
  const { hostname, port } = new URL(target.server);
  const refused = `The connection to the server ${hostname}:${port} was refused - did you specify the right host or port?`;
  const instance = [...world.engine.instances.values()].find(
    ({ address, state }) => address === hostname && state === 'Running',
  );
  if (instance === undefined) {
    const server = `${hostname}:${port}`;
    if (hostname === '127.0.0.1' || hostname === 'localhost')
      return no(refused, KUBECTL_REFUSED, { kind: 'refused', server });
    const text = `Unable to connect to the server: dial tcp ${server}: i/o timeout`;
    return no(text, KUBECTL_UNREACHABLE, { kind: 'timeout', server });
  }
  const cluster = clusterOf(world);
  await world.clock.sleep(isFaultActive(world, 'api-slow') ? took + API_SLOW : took, signal);
  const down = cluster === undefined || cluster.server !== instance.name || port !== '6443' || !cluster.ready();
  const away =
    (flaky(world.clock.now()) && isFaultOn(world, 'api-flaky')) ||
    (isFaultActive(world, 'api-away') && often(world.clock.now()));
  const server = `${hostname}:${port}`;
  if (down || away) return { failure: failure(refused), trouble: { kind: 'refused', server } };
  const ca = Buffer.from(target['certificate-authority-data'] ?? '', 'base64').toString('utf8');
  if (ca !== cluster.ca) {
    return {
      failure: failure(
        'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
      ),
      trouble: { kind: 'x509', server },
    };
  }
  if (user?.['client-certificate-data'] !== cluster.clientCertificate || user['client-key-data'] === undefined) {
    return {
      failure: failure('error: You must be logged in to the server (Unauthorized)'),
      trouble: { kind: 'unauthorized', server },
    };
  }
  return { cluster };
}
