import { mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { MeshPrograms } from '../programs.ts';
import { createApi, type Api } from './api.ts';
import { BRIDGE } from './place.ts';
import { run, start, until } from './processes.ts';

const ETCD = 'http://127.0.0.1:23790';
const API_PORT = 26443;
/** Token of the only user; the server is reachable only in our network namespace. */
const TOKEN = 'rig';
const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** An API server without controllers and kubelets. */
export interface Cluster {
  readonly api: Api;
  readonly kubeconfig: string;
  readonly context: string;
}

/** Starts etcd and kube-apiserver and waits until the latter is ready. */
export async function startCluster(programs: MeshPrograms, directory: string): Promise<Cluster> {
  const pki = `${directory}/pki`;
  const kubeconfig = `${directory}/kubeconfig`;
  await mkdir(pki, { recursive: true });
  const etcd = [
    ...[programs.etcd, '--data-dir', `${directory}/etcd`, '--unsafe-no-fsync'],
    ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD],
    ...['--listen-peer-urls', 'http://127.0.0.1:23791'],
  ];
  start(etcd, { log: `${directory}/etcd.log` });
  await run('openssl', 'genrsa', '-out', `${pki}/sa.key`, '2048');
  await writeFile(`${pki}/token.csv`, `${TOKEN},admin,1,system:masters\n`, { mode: 0o600 });
  await writeFile(kubeconfig, stringify(kubeconfigOf()), { mode: 0o600 });
  const server = [
    ...[`${programs.kubernetes}/kube-apiserver`, `--etcd-servers=${ETCD}`, `--cert-dir=${pki}`],
    ...[`--secure-port=${API_PORT}`, '--bind-address=0.0.0.0', `--advertise-address=${BRIDGE.address}`],
    ...[`--service-account-key-file=${pki}/sa.key`, `--service-account-signing-key-file=${pki}/sa.key`],
    ...[`--service-account-issuer=${ISSUER}`, `--api-audiences=${ISSUER},istio-ca`],
    ...[`--token-auth-file=${pki}/token.csv`, '--authorization-mode=RBAC', '--service-cluster-ip-range=10.43.0.0/16'],
    // Without controllers there are no default service accounts.
    '--disable-admission-plugins=ServiceAccount',
  ];
  start(server, { log: `${directory}/kube-apiserver.log` });
  const api = createApi(API_PORT, TOKEN);
  const ready = ['-skf', '--header', `Authorization: Bearer ${TOKEN}`, `https://127.0.0.1:${API_PORT}/readyz`];
  await until('the API server', 120, async () => (await run('curl', ...ready), true));
  return { api, kubeconfig, context: 'rig' };
}

function kubeconfigOf(): object {
  const server = `https://127.0.0.1:${API_PORT}`;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'rig', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'rig', user: { token: TOKEN } }],
    contexts: [{ name: 'rig', context: { cluster: 'rig', user: 'rig' } }],
    'current-context': 'rig',
  };
}
