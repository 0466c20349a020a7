import type { SimulatedCluster } from '../../cluster/kube.ts';
import { ISTIOCTL_CALL } from '../../durations.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import { flag, type Parsed } from '../kubectl/args.ts';
import { connect, type Trouble } from '../kubectl/connect.ts';
import { istioError } from './call.ts';

/** Flags that select the cluster and istiod's namespace in it. */
export const CLUSTER_FLAGS = { '--kubeconfig': 'value', '--context': 'value', '--istioNamespace': 'value' } as const;

/** istiod's namespace: `istio-system` by default. */
export const namespaceOf = (parsed: Parsed): string => flag(parsed, '--istioNamespace') ?? 'istio-system';

/** The first request of a command: the prefix of istioctl's error, and the text of the request. */
interface FirstRequest {
  readonly before: string;
  readonly verb: 'Get';
  readonly path: string;
  /** The status 401 in the words of the client library that makes this request. */
  readonly unauthorized: string;
}

/** `install` requests the version first (docs/facts/real-mesh.md 6.4). */
export const VERSION_REQUEST: FirstRequest = {
  before: 'check minimum supported Kubernetes version: error getting Kubernetes version: ',
  verb: 'Get',
  path: '/version',
  unauthorized: 'the server has asked for the client to provide credentials',
};

/** `configure` requests the mesh's ConfigMap first, and reports every error as "not found". */
export const configMapRequest = (namespace: string, name: string): FirstRequest => ({
  before: `configmap ${name} was not found in namespace ${namespace}: `,
  verb: 'Get',
  path: `/api/v1/namespaces/${namespace}/configmaps/${name}`,
  unauthorized: 'Unauthorized',
});

/** `tag set` requests the webhooks of the revision first. */
export const webhookRequest = (revision: string): FirstRequest => ({
  before: '',
  verb: 'Get',
  path: `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?labelSelector=istio.io%2Frev%3D${revision}%2C%21istio.io%2Ftag`,
  unauthorized: 'Unauthorized',
});

/** Connects as every command does; a failure is reported in istioctl's words instead of kubectl's. */
export async function dial(
  call: HostCall,
  parsed: Parsed,
  request: FirstRequest,
): Promise<{ readonly cluster: SimulatedCluster } | { readonly failure: ProgramResult }> {
  const context = flag(parsed, '--context') ?? '';
  const connection = await connect(call, flag(parsed, '--kubeconfig') ?? '', context, ISTIOCTL_CALL);
  if ('cluster' in connection) return connection;
  return { failure: istioError(words(connection.trouble, request)) };
}

function words({ kind, server = '', text = '' }: Trouble, { before, verb, path, unauthorized }: FirstRequest): string {
  const url = `${verb} "https://${server}${path}": `;
  switch (kind) {
    case 'kubeconfig':
      return `failed to setup client: ${text}`;
    case 'refused':
      return `${before}${url}dial tcp ${server}: connect: connection refused`;
    case 'timeout':
      return `${before}${url}net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)`;
    case 'x509':
      return `${before}${url}tls: failed to verify certificate: x509: certificate signed by unknown authority`;
    case 'unauthorized':
      return `${before}${unauthorized}`;
  }
}
