import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { loadConfig } from '../../../src/config/load.ts';
import { createEngine } from '../../../src/machines/create-engine.ts';
import type { Machine } from '../../../src/machines/machine.ts';
import type { Processes } from '../../../src/system/system.ts';
import { currentHost } from '../../../src/system/host.ts';
import { createRealSystem } from '../../../src/system/index.ts';
import { loadShippedData } from '../../../src/system/shipped.ts';
import { createAuthority } from './certificate-authority.ts';
import { startCluster, type ClusterSide } from './cluster.ts';
import { createGuest, type Guest } from './guest.ts';
import { startIstiod, type Istiod } from './istiod.ts';
import { createMirror, type Mirror } from './mirror.ts';
import { IMAGE, LAB_PREFIX, PROJECT } from '../support/names.ts';

const CLI = resolve('dist/main.js');
const MULTIPASS = resolve('test/acceptance/multipass-on-incus/multipass');
const ADD_NODES = fileURLToPath(new URL('add-simulated-nodes.mjs', import.meta.url));
const BRIDGE = 'ivmstest0';
/** Limit of one run: the first start of the sidecar may take 60 s to become ready. */
const RUN_MS = 120_000;

export type Engine = 'multipass' | 'incus';

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A computer with the built CLI, one real machine, and a cluster that is simulated. */
export interface Computer {
  readonly cwd: string;
  readonly vm: string;
  /** Root access to the machine through Incus, independent of the engine under test. */
  readonly guest: Guest;
  readonly clusterSide: ClusterSide;
  readonly istiod: Istiod;
  readonly mirror: Mirror;
  readonly env: Readonly<Record<string, string>>;
  readonly run: (...args: readonly string[]) => Promise<RunResult>;
  /** The machine as the steps of istio-vms use it: through the engine and the real system interfaces. */
  readonly machine: Machine;
  /** Values of the configuration. */
  readonly set: Readonly<Record<string, string>>;
  readonly remove: () => Promise<void>;
}

export async function createComputer(engine: Engine, istioVersion: string): Promise<Computer> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'ivb-')));
  const [cwd, bin, releases, cache] = ['lab', 'bin', 'releases', 'cache'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [cwd, bin, releases]) await mkdir(path);
  const vm = `ivb-${engine}-${process.pid}`;
  const gateway = await bridgeAddress();
  const revision = istioVersion.replaceAll('.', '-');
  const authority = await createAuthority();
  const istiod = await startIstiod(gateway, [`istiod-${revision}.istio-system.svc`], authority);
  const set = {
    LAB_NAME: `${LAB_PREFIX}${vm}`,
    MACHINE_ENGINE: engine,
    WORKERS: '1',
    WORKLOAD_VM_NAME: vm,
    MEM_VM: '512M',
    DISK_VM: '5G',
    ISTIO_VERSION: istioVersion,
    EWG_PORT_TLS_ISTIOD: String(istiod.port),
    INCUS_PROJECT: PROJECT,
    INCUS_IMAGE: IMAGE,
    INCUS_TYPE: 'container',
  };
  const mirror = await createMirror(releases, cache, istioVersion);
  const env = {
    ...set,
    PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: directory,
    ARTIFACTS_URL: mirror.url,
    ISTIO_VMS_CACHE: cache,
    NO_COLOR: '1',
    MULTIPASS_ON_INCUS_SPACE: set.LAB_NAME,
    MULTIPASS_ON_INCUS_PROJECT: PROJECT,
    MULTIPASS_ON_INCUS_IMAGE: IMAGE,
    MULTIPASS_ON_INCUS_DIR: join(directory, 'ssh'),
  };
  const clusterSide = await startCluster({ cwd, bin, set, gateway, istiod, root: authority.root });
  await routeEngine(engine, bin, clusterSide, set.LAB_NAME);
  await program(join(bin, 'docker'), docker(mirror.image));

  return {
    cwd,
    vm,
    guest: createGuest(vm),
    machine: await realMachine(vm, cwd, env),
    clusterSide,
    istiod,
    mirror,
    env,
    set,
    run: async (...args) => {
      const ran = await execa(process.execPath, [CLI, ...args], {
        cwd,
        env,
        extendEnv: false,
        reject: false,
        stdin: 'ignore',
        timeout: RUN_MS,
        killSignal: 'SIGKILL',
      });
      return { exitCode: ran.exitCode ?? -1, stdout: ran.stdout, stderr: ran.stderr };
    },
    remove: async () => {
      await execa('incus', ['delete', '--quiet', '--project', PROJECT, '--force', vm], {
        reject: false,
        stdin: 'ignore',
      });
      await clusterSide.close();
      await istiod.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function realMachine(name: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Machine> {
  const shipped = await loadShippedData();
  const { config } = loadConfig({ host: { ...currentHost(), cwd, env }, versions: shipped.versions });
  const real = createRealSystem();
  const processes: Processes = {
    run: (command, signal) => real.processes.run({ ...command, env: { ...env, ...command.env } }, signal),
  };
  return createEngine({ ...real, processes }, shipped, config).machine(name);
}

/** This computer's own address on the bridge of the tests' machines. */
async function bridgeAddress(): Promise<string> {
  const { stdout } = await execa('incus', ['network', 'get', BRIDGE, 'ipv4.address'], { stdin: 'ignore' });
  return stdout.trim().replace(/\/.*$/, '');
}

/** Installs a wrapper of the engine's program on PATH that adds the simulated nodes to the output of `list`. */
async function routeEngine(engine: Engine, bin: string, { lab }: ClusterSide, labName: string): Promise<void> {
  const real = engine === 'multipass' ? MULTIPASS : (await execa('which', ['incus'])).stdout.trim();
  const { master, workerNames } = lab.config.k3s;
  const nodes = [master, ...workerNames].map((node) => ({
    name: node,
    address: lab.machine(node).address,
    lab: labName,
  }));
  await writeFile(join(bin, 'nodes.json'), JSON.stringify(nodes));
  const list = `'${real}' "$@" | '${process.execPath}' '${ADD_NODES}' '${join(bin, 'nodes.json')}'`;
  await program(join(bin, engine), `[ "$1" = list ] || exec '${real}' "$@"\n${list}\n`);
}

/** A stand-in for Docker that has one image and fails like a stopped daemon while the image file does not exist. */
const docker = (image: string): string => `[ -e '${image}' ] || {
  echo 'Cannot connect to the Docker daemon at unix:///nowhere.' >&2
  exit 1
}
case $1 in
  create) echo 1f2e3d ;;
  export) cp '${image}' "$3" ;;
  rm) ;;
  *) exit 125 ;;
esac
`;

async function program(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}`);
  await chmod(path, 0o755);
}
