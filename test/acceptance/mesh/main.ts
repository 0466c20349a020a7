import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { buildPrograms, buildRig, type Rig } from './build/index.ts';
import { CACHE, say } from './build/cache.ts';
import { IMAGE, incus, prepareIncus, PROJECT, raiseInotifyLimit, VM_PROFILE } from './incus.ts';
import { installPackages, missingHere } from './host.ts';
import { runLight } from './light/main.ts';
import { startMirror } from './mirror.ts';
import { recordPrograms, TARGET as RECORDINGS } from './recordings/main.ts';
import { ISTIO, K3S } from './versions.ts';

const HELP = `usage: npm run mesh -- [options]

Run the built program against real Kubernetes, Istio and Envoy (test/acceptance/mesh/README.md).

  --light            use network namespaces instead of machines (takes less than a minute)
  --engine NAME      incus or multipass (a stand-in on Incus); default: both, one after the other
  --istio VERSION    ${ISTIO.map(({ version }) => version).join(' or ')}; default: ${ISTIO[0]?.version ?? ''}
  --repeat NUMBER    repeat the check vm-to-mesh NUMBER times
  --record           record the output of kubectl and istioctl into test/recordings
  --record-lab       record every command of up, verify and up --delete on machines
  --build            only build what is missing
  --report DIRECTORY default: mesh-report
`;

const { values } = parseArgs({
  options: {
    light: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    'record-lab': { type: 'boolean', default: false },
    build: { type: 'boolean', default: false },
    engine: { type: 'string' },
    repeat: { type: 'string' },
    istio: { type: 'string', default: ISTIO[0]?.version ?? '' },
    report: { type: 'string', default: 'mesh-report' },
    help: { type: 'boolean', default: false },
  },
});

/** Exit code if the rig cannot run on this computer, as in install-incus.sh. */
const NOT_HERE = 77;
const STAGES_SCRIPT = fileURLToPath(new URL('./life.ts', import.meta.url));
const RECORD_LAB = fileURLToPath(new URL('./recordings/lab.ts', import.meta.url));
const OVERLAY = fileURLToPath(new URL('./overlay.yaml', import.meta.url));
const MULTIPASS = fileURLToPath(new URL('../multipass-on-incus', import.meta.url));
const FOREIGN_MACHINE = 'bystander';

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!ISTIO.some(({ version }) => version === values.istio)) {
    say(`--istio: the rig has ${ISTIO.map(({ version }) => version).join(' and ')}`);
    return 2;
  }
  const missing = missingHere();
  if (missing !== undefined) {
    say(`not possible here: ${missing}`);
    return NOT_HERE;
  }
  await installPackages();
  const reportDirectory = resolve(process.env['INIT_CWD'] ?? process.cwd(), values.report);
  if (values.light) {
    const { failed } = await runLight(await buildPrograms(), {
      keep: true,
      directory: join(reportDirectory, 'light'),
      istio: values.istio,
    });
    return failed === 0 ? 0 : 1;
  }
  if (values.record) {
    await recordPrograms(await buildPrograms());
    return 0;
  }
  const rig = await buildRig();
  return values.build ? 0 : runEngines(rig, reportDirectory);
}

async function runEngines(rig: Rig, reportDirectory: string): Promise<number> {
  // The child process handles the interrupt and deletes the lab; then the cleanup below runs.
  process.on('SIGINT', () => undefined);
  const restore = await raiseInotifyLimit();
  const mirror = await startMirror(rig.releases);
  try {
    await prepareIncus(rig, values.istio);
    if (values['record-lab']) {
      return (await inLabDirectory(rig, 'incus', mirror.url, RECORD_LAB, ['--target', RECORDINGS])).exitCode ?? 1;
    }
    let [passed, failed] = [0, 0];
    for (const engine of values.engine === undefined ? ['incus', 'multipass'] : [values.engine]) {
      say(`running all stages with MACHINE_ENGINE=${engine}, Istio ${values.istio}`);
      const counts = await runStagesOn(rig, engine, mirror.url, join(reportDirectory, `${engine}-${values.istio}`));
      passed += counts.passed;
      failed += counts.failed;
    }
    return close(passed, failed);
  } finally {
    await mirror.close();
    await restore();
  }
}

/** Runs the stages of e2e with one engine, next to a machine that istio-vms did not create. */
async function runStagesOn(rig: Rig, engine: string, mirror: string, reportDirectory: string) {
  await rm(reportDirectory, { recursive: true, force: true });
  await mkdir(reportDirectory, { recursive: true });
  const repeated = values.repeat === undefined ? [] : ['--repeat', values.repeat];
  const { exitCode, stdout } = await inLabDirectory(rig, engine, mirror, STAGES_SCRIPT, [
    '--report',
    reportDirectory,
    ...repeated,
  ]);
  const [, passed = '0', failed = '0'] = /(\d+) passed, (\d+) failed[^\n]*$/.exec(stdout.trim()) ?? [];
  return { passed: Number(passed), failed: exitCode === 0 ? 0 : Math.max(1, Number(failed)) };
}

/** Runs a script in a new directory with the environment of a lab, and removes the machines that it leaves behind. */
async function inLabDirectory(rig: Rig, engine: string, mirror: string, script: string, args: readonly string[]) {
  const cwd = join(CACHE, 'lab', engine);
  await rm(cwd, { recursive: true, force: true });
  await mkdir(cwd, { recursive: true });
  await removeMachines();
  if (engine === 'incus') await incus('launch', IMAGE, FOREIGN_MACHINE);
  const ended = await execa(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    cwd,
    env: environment(rig, engine, mirror),
    stdin: 'ignore',
    stdout: ['pipe', 'inherit'],
    stderr: 'inherit',
    reject: false,
  });
  if (process.env['MESH_KEEP'] === undefined) await removeMachines();
  return ended;
}

function environment(rig: Rig, engine: string, mirror: string): Readonly<Record<string, string>> {
  const path = [rig.bin, ...(engine === 'multipass' ? [MULTIPASS] : []), process.env['PATH'] ?? ''];
  return {
    PATH: path.join(delimiter),
    // A separate cache, since cached digests would not match those of a rebuilt rig.
    XDG_CACHE_HOME: join(CACHE, 'lab', engine, 'cache'),
    LAB_NAME: `mesh-${engine}`,
    LAB_SIZE: 'small',
    WORKERS: '2',
    MACHINE_ENGINE: engine,
    ...(engine === 'incus' ? { INCUS_PROJECT: PROJECT, INCUS_IMAGE: IMAGE, INCUS_TYPE: 'container' } : {}),
    MULTIPASS_ON_INCUS_PROJECT: PROJECT,
    MULTIPASS_ON_INCUS_IMAGE: IMAGE,
    MULTIPASS_ON_INCUS_PROFILES: VM_PROFILE,
    MULTIPASS_ON_INCUS_SPACE: 'mesh-multipass',
    ARTIFACTS_URL: mirror,
    K3S_VERSION: K3S,
    ISTIO_VERSION: values.istio,
    ISTIO_OVERLAY: OVERLAY,
  };
}

/** Removes machines that a killed run left in the rig's project: those with a label of the lab, and the bystander. */
async function removeMachines(): Promise<void> {
  const all = JSON.parse(await incus('list', '--format', 'json')) as {
    name: string;
    config: Readonly<Record<string, string>> | null;
  }[];
  for (const { name, config } of all) {
    const labels = [config?.['user.istio-vms'], config?.['user.multipass-on-incus']];
    if (name === FOREIGN_MACHINE || labels.some((label) => label?.startsWith('mesh-') === true)) {
      await incus('delete', '--force', name);
    }
  }
}

function close(passed: number, failed: number): number {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}
