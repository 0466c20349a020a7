import { mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { KubeTarget } from '../../../../src/tools/kubectl-argv.ts';
import type { LightLab } from '../light/lab.ts';
import { startWrongServers, type WrongServers } from './servers.ts';

/** Kubeconfigs by kind of failure. */
export type Targets = Readonly<Record<TargetName, KubeTarget>>;
type TargetName = keyof WrongServers | 'unauthorized' | 'forbidden' | 'x509' | 'noContext' | 'noFile';

const API = 26443;
const CONTEXT = 'rig';

/** Creates a kubeconfig for each way in which the API server can be unreachable or refuse access. */
export async function createTargets({ cluster, directory }: LightLab): Promise<Targets> {
  const folder = `${directory}/kubeconfigs`;
  await mkdir(folder, { recursive: true });
  const servers = await startWrongServers(`${directory}/pki`);
  const write = async (name: string, port: number, token: string, insecure: boolean): Promise<KubeTarget> => {
    const kubeconfig = `${folder}/${name}`;
    await writeFile(kubeconfig, stringify(kubeconfigOf(port, token, insecure)), { mode: 0o600 });
    return { kubeconfig, context: CONTEXT };
  };
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await cluster.api.create(accounts, { metadata: { name: 'nobody' } });
  const { status } = await cluster.api.create(`${accounts}/nobody/token`, { spec: {} });
  const wrong = await Promise.all(
    Object.entries(servers).map(async ([name, port]) => [name, await write(name, port as number, 'rig', true)]),
  );
  return {
    ...(Object.fromEntries(wrong) as Record<keyof WrongServers, KubeTarget>),
    unauthorized: await write('unauthorized', API, 'wrong', true),
    forbidden: await write('forbidden', API, status.token as string, true),
    x509: await write('x509', API, 'rig', false),
    noContext: { kubeconfig: cluster.kubeconfig, context: 'istio-vms-other' },
    noFile: { kubeconfig: `${folder}/absent`, context: CONTEXT },
  };
}

const kubeconfigOf = (port: number, token: string, insecure: boolean): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: CONTEXT, cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': insecure } }],
  users: [{ name: CONTEXT, user: { token } }],
  contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
});
