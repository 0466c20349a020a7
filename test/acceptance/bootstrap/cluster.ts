import { quiet } from '../../support/context.ts';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createProcesses } from '../../../src/rehearsal/processes.ts';
import { HOST_PROGRAMS } from '../../../src/rehearsal/index.ts';
import type { SimulatedCluster } from '../../../src/rehearsal/cluster/index.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Files, Processes } from '../../../src/system/system.ts';
import { createFiles } from '../../../src/system/files.ts';
import { currentHost } from '../../../src/system/host.ts';
import { LINUX, simulated, type Simulated } from '../../rehearsal/support/simulated.ts';
import { pace } from '../../smoke/pace.ts';
import { standIn, standsFor } from '../../smoke/stand-ins.ts';
import type { Istiod } from './istiod.ts';

/** How far the simulated clock starts in the past: more than the simulated time that creating the cluster takes. */
const HEAD_START_MS = 3_600_000;

export interface ClusterOptions {
  /** Working directory of the CLI: it finds kubeconfig, record and istioctl there. */
  readonly cwd: string;
  /** Directory for the stand-ins of kubectl and istioctl and for the socket that they connect to. */
  readonly bin: string;
  /** Values of the configuration. */
  readonly set: Readonly<Record<string, string>>;
  /** Address of this computer at which the machine reaches the gateway. */
  readonly gateway: string;
  readonly istiod: Istiod;
  readonly root: string;
}

/** The cluster's side of the lab: simulated, with its control plane and gateway, behind stand-ins for kubectl and istioctl. */
export interface ClusterSide {
  readonly lab: Simulated;
  readonly cluster: SimulatedCluster;
  readonly close: () => Promise<void>;
}

export async function startCluster(options: ClusterOptions): Promise<ClusterSide> {
  const { cwd, set, gateway, root, istiod } = options;
  const host = { ...LINUX, cpu: currentHost().cpu, cwd, home: cwd };
  const lab = simulated({ host, set: { ...set, MACHINE_ENGINE: 'multipass' }, start: Date.now() - HEAD_START_MS });
  await requireSuccess(lab.run({ kind: 'apply', targets: ['master', 'worker-1'] }));
  // The machine must be able to connect to the gateway, which has the first worker's address.
  lab.machine(lab.config.k3s.workerNames[0] ?? '').address = gateway;
  for (const command of ['k3s', 'istioctl', 'istio', 'eastwest'] as const) await requireSuccess(lab.step(command));
  useRoot(lab.cluster, root);
  await lab.pass(Date.now() - lab.world.clock.now());
  istiod.serve(lab.world, lab.cluster);

  await writeLabFiles(lab, set['MACHINE_ENGINE'] ?? 'multipass');
  const close = await serveTools(lab, options);
  return { lab, cluster: lab.cluster, close };
}

async function requireSuccess(run: ReturnType<Simulated['run']>): Promise<void> {
  const { error } = (await run).report;
  if (error !== undefined) throw error;
}

/** Replaces the simulated root certificate by one that openssl can read. */
function useRoot({ store }: SimulatedCluster, root: string): void {
  for (const { metadata } of store.list('secrets').filter(({ type }) => type === 'istio.io/ca-root')) {
    store.edit(
      'secrets',
      metadata.namespace,
      metadata.name,
      (secret) => (secret['stringData'] = { 'ca-cert.pem': root }),
    );
  }
  for (const { metadata } of store
    .list('configmaps')
    .filter(({ metadata }) => metadata.name === 'istio-ca-root-cert')) {
    store.edit('configmaps', metadata.namespace, metadata.name, (map) => (map['data'] = { 'root-cert.pem': root }));
  }
  // Shortens draining from 5 s to 1 s to save time.
  for (const { metadata } of store.list('configmaps').filter(({ metadata }) => /^istio(-\d|$)/.test(metadata.name))) {
    store.edit('configmaps', metadata.namespace, metadata.name, (map) => {
      const data = map['data'] as Record<string, string>;
      data['mesh'] = (data['mesh'] ?? '').replace(/^defaultConfig:\n/m, '$&  terminationDrainDuration: 1s\n');
    });
  }
}

/** Writes the files that earlier steps leave on this computer. */
async function writeLabFiles(lab: Simulated, engine: string): Promise<void> {
  const { kubeconfig, machinesRecord, data } = lab.config.paths;
  const text = async (path: string): Promise<string> => (await lab.files.readText(path)) ?? '';
  await mkdir(data, { recursive: true });
  await writeFile(kubeconfig, await text(kubeconfig), { mode: 0o600 });
  await writeFile(machinesRecord, (await text(machinesRecord)).replaceAll('"multipass"', `"${engine}"`));
}

/** Installs executables kubectl and istioctl that the simulated world answers, and runs its clock in real time. */
async function serveTools(lab: Simulated, { bin }: ClusterOptions): Promise<() => Promise<void>> {
  const { world, mesh, config } = lab;
  const files = createFiles();
  const hostFiles: Files = { ...files, read: async (path) => standsFor(await files.read(path)) };
  const processes = createProcesses({ world, mesh, files: hostFiles, programs: HOST_PROGRAMS });
  const server = createServer({ allowHalfOpen: true }, (line) => {
    line.on('error', () => line.destroy());
    void answer(processes, line);
  });
  const socket = join(bin, 'world');
  server.listen(socket);
  await once(server, 'listening');

  const { istioctl, istioctlLink } = config.paths;
  const program = Buffer.from((await lab.files.read(istioctl)) ?? [])
    .toString('utf8')
    .trim();
  await mkdir(config.paths.bin, { recursive: true });
  for (const [path, text] of [
    [join(bin, 'kubectl'), standIn('kubectl', socket)],
    [istioctl, standIn('istioctl', socket, program)],
  ] as const) {
    await writeFile(path, text);
    await chmod(path, 0o755);
  }
  await symlink(istioctl.slice(istioctl.lastIndexOf('/') + 1), istioctlLink);
  const stopPacing = pace(world.clock, 1);
  return async () => {
    await stopPacing();
    server.close();
  };
}

/** Answers one call: reads one line of JSON and writes one (test/smoke/stand-in.mjs). */
async function answer(processes: Processes, line: Socket): Promise<void> {
  const [text] = (await once(line.setEncoding('utf8'), 'data')) as [string];
  let whole = text;
  while (!whole.endsWith('\n')) whole += ((await once(line, 'data')) as [string])[0];
  const { file, args, stdin } = JSON.parse(whole) as { file: string; args: string[]; stdin: string };
  const result = await processes
    .run({ file, args, stdin: Buffer.from(stdin, 'base64'), effect: 'read' }, quiet)
    .catch((thrown: unknown) => {
      if (thrown instanceof CommandError) return { ...thrown.result, exitCode: Math.max(thrown.result.exitCode, 1) };
      return { exitCode: 125, stdoutBytes: new Uint8Array(), stderr: `${String(thrown)}\n` };
    });
  const { exitCode, stdoutBytes, stderr } = result;
  line.end(JSON.stringify({ exitCode, stdout: Buffer.from(stdoutBytes).toString('base64'), stderr }));
}
