import { spawn } from 'node:child_process';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { MeshPrograms } from '../programs.ts';
import type { Counts } from './mesh.ts';

export interface LightOptions {
  /** Keep the folder with logs, dumps and files of the product even if all checks pass. */
  readonly keep: boolean;
  readonly directory: string;
  /** One of the rig's Istio versions. */
  readonly istio: string;
}

/** Programs of the Debian packages util-linux, iproute2, iptables, curl and openssl. */
const NEEDED = ['unshare', 'nsenter', 'setpriv', 'ip', 'iptables-nft', 'iptables-legacy', 'curl', 'openssl'];

/**
 * Runs the mesh in network namespaces: etcd, API server, istiod, gateway, helloworld with its sidecar, and the VM with the
 * product's payload. Writes only to `options.directory` and uses only its own network.
 */
export async function runLight(programs: MeshPrograms, options: LightOptions): Promise<Counts> {
  const why = await missingRequirement(programs);
  if (why !== undefined) {
    process.stderr.write(`The light mesh cannot run here: ${why}\n`);
    return { passed: 0, failed: 1 };
  }
  const index = programs.istio.findIndex(({ version }) => version === options.istio);
  const began = performance.now();
  process.stdout.write(`Istio ${options.istio}\n`);
  const counts = await runLine(programs, index, `${options.directory}/istio-${options.istio}`, options.keep);
  process.stdout.write(`in ${Math.round((performance.now() - began) / 1000)} s\n`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
  return counts;
}

async function runLine(programs: MeshPrograms, index: number, directory: string, keep: boolean): Promise<Counts> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(`${directory}/programs.json`, JSON.stringify(programs));
  const inside = new URL('inside.ts', import.meta.url).pathname;
  const node = [process.execPath, ...process.execArgv, inside, directory, String(index)];
  // The first process of a PID namespace must reap orphans, which a shell does and Node does not.
  const argv = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const shell = ['sh', '-c', '"$@"; exit $?', 'sh'];
  const child = spawn('unshare', [...argv, ...shell, ...node], { stdio: ['pipe', 'inherit', 'inherit'] });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exit) => resolve(exit ?? 128));
  });
  const counts = await readFile(`${directory}/counts.json`, 'utf8').then(
    (text) => JSON.parse(text) as Counts,
    () => ({ passed: 0, failed: 1 }),
  );
  if (code !== 0 || keep) process.stdout.write(`Logs: ${directory}\n`);
  else await rm(directory, { recursive: true, force: true });
  return counts;
}

/** Why the light mesh cannot run on this computer; undefined if it can. */
async function missingRequirement(programs: MeshPrograms): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are a feature of Linux';
  if (process.getuid?.() !== 0) return 'only root may create network namespaces';
  const path = (process.env['PATH'] ?? '').split(':');
  for (const name of NEEDED) {
    const found = await Promise.all(path.map((directory) => isProgram(`${directory}/${name}`)));
    if (!found.includes(true)) return `${name} is missing; apt-get install util-linux iproute2 iptables curl openssl`;
  }
  const files = [
    ...['kube-apiserver', 'kubectl'].map((name) => `${programs.kubernetes}/${name}`),
    ...[programs.etcd, programs.envoy, programs.helloworld],
    ...programs.istio.flatMap(({ istioctl, pilotAgent, pilotDiscovery }) => [istioctl, pilotAgent, pilotDiscovery]),
  ];
  for (const file of files) if (!(await isProgram(file))) return `${file} is missing or not executable`;
  return undefined;
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
