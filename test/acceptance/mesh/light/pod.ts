import type { ApiObject } from './api.ts';
import { istiodLine } from './control-plane.ts';
import type { LightLab } from './lab.ts';
import { createPlace, type Place } from './place.ts';
import { start, until } from './processes.ts';

/** The user of Istio's containers. */
const PROXY_USER = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', '--'];

export interface PodInput {
  readonly namespace: string;
  /** The Deployment whose pod it is. */
  readonly deployment: string;
  readonly address: string;
  /** Program that is mounted as /usr/local/bin/application. */
  readonly application?: string;
}

/** A pod with its proxy, in a place of its own. */
export interface Pod {
  readonly place: Place;
  readonly object: ApiObject;
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
}

/** Creates a pod of a Deployment, which istiod's webhook injects, and sets its status as a kubelet would. */
export async function createPod(lab: LightLab, input: PodInput): Promise<Pod> {
  const { api } = lab.cluster;
  const { namespace, deployment, address } = input;
  const { spec } = await api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const name = `${deployment}-0`;
  await api.create(pods, {
    metadata: { ...spec.template.metadata, name, namespace },
    spec: {
      // The disabled ServiceAccount admission plugin would set it.
      serviceAccountName: 'default',
      ...spec.template.spec,
      nodeName: 'node',
      automountServiceAccountToken: false,
    },
  });
  const object = await api.patch(`${pods}/${name}/status`, {
    status: {
      phase: 'Running',
      podIP: address,
      podIPs: [{ ip: address }],
      hostIP: address,
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
  const programs = {
    '/usr/local/bin/pilot-agent': lab.istio.pilotAgent,
    '/usr/local/bin/envoy': lab.programs.envoy,
    '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json': `${lab.istio.packaging}/envoy_bootstrap.json`,
    ...(input.application !== undefined && { '/usr/local/bin/application': input.application }),
  };
  const place = await createPlace({ name: deployment.slice(0, 12), address, directory: lab.directory, programs });
  return { place, object };
}

/** Runs the injected init container, which loads the rules, and starts the injected proxy. */
export async function startProxy(lab: LightLab, { place, object }: Pod): Promise<void> {
  await writeVolumes(lab, place, object);
  const { initContainers = [], containers } = object['spec'] as {
    initContainers?: Container[];
    containers: Container[];
  };
  const all = [...initContainers, ...containers];
  const proxy = all.find(({ name }) => name === 'istio-proxy');
  if (proxy === undefined) throw new Error(`${object.metadata.name} was not injected: no container istio-proxy`);
  const init = all.find(({ name }) => name === 'istio-init');
  if (init !== undefined) await place.sh('pilot-agent "$@"', ...init.args);
  const env = environment(proxy, object, place);
  const args = proxy.args.map((arg) => arg.replace(/\$\((\w+)\)/g, (_, key: string) => env[key] ?? ''));
  const argv = [...place.enter, ...PROXY_USER, '/usr/local/bin/pilot-agent', ...args];
  start(argv, { log: `${lab.directory}/${object.metadata.name}.proxy.log`, env });
}

/** Waits until the readiness port of the proxy returns success. */
export async function proxyReady(place: Place): Promise<void> {
  const ask = 'curl -sf http://127.0.0.1:15021/healthz/ready';
  await until(`the proxy of ${place.name}`, 120, async () => (await place.sh(ask), true));
}

/** Writes the content of the volumes of an injected pod. */
async function writeVolumes(lab: LightLab, place: Place, { metadata, spec }: ApiObject): Promise<void> {
  const { api } = lab.cluster;
  const { namespace = '', labels = {} } = metadata;
  const account = (spec.serviceAccountName as string | undefined) ?? 'default';
  const tokens = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status } = await api.create(tokens, { spec: { audiences: ['istio-ca'], expirationSeconds: 3600 } });
  const root = await until(`the root certificate in ${namespace}`, 60, () =>
    api.get(`/api/v1/namespaces/${namespace}/configmaps/istio-ca-root-cert`),
  );
  const secrets = '/var/run/secrets';
  const own = ['/etc/istio/proxy', '/var/lib/istio/data'];
  const sockets = ['credential-uds', 'workload-spiffe-uds', 'workload-spiffe-credentials'];
  await place.sh(
    'mkdir -p "$@" && chown 1337:1337 "$@"',
    ...own,
    ...sockets.map((directory) => `${secrets}/${directory}`),
  );
  await place.write(`${secrets}/tokens/istio-token`, status.token as string);
  await place.write(`${secrets}/istio/root-cert.pem`, root['data']['root-cert.pem'] as string);
  const lines = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}\n`);
  await place.write('/etc/istio/pod/labels', lines.join(''));
  await place.write('/etc/hosts', `127.0.0.1 localhost\n${istiodLine(lab)}`);
}

function environment(container: Container, object: ApiObject, place: Place): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': object.metadata.name,
    'metadata.namespace': object.metadata.namespace ?? '',
    'spec.serviceAccountName': (object['spec'].serviceAccountName as string | undefined) ?? 'default',
    'spec.nodeName': 'node',
    'status.podIP': place.address,
    'status.hostIP': place.address,
  };
  const env: Record<string, string> = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };
  for (const { name, value, valueFrom } of container.env ?? []) {
    const field = valueFrom?.fieldRef?.fieldPath;
    // Resource limits are left out, so the agent uses the computer's.
    if (valueFrom === undefined) env[name] = value ?? '';
    else if (field !== undefined) env[name] = fields[field] ?? '';
  }
  return env;
}
