import {
  GUEST_SCRIPT,
  SIDECAR_CONFIG,
  SIDECAR_CONNECT,
  SIDECAR_DRAIN,
  SIDECAR_PREPARE,
  SIDECAR_RETRY,
} from '../durations.ts';
import { readStandIn } from '../stand-in.ts';
import { consumeFault } from '../fault-state.ts';
import type { Instance } from '../world.ts';
import { dropCertificate, hasOtherIdentity, keepCertificate, trustedRoot, trustRoot } from './certificate.ts';
import { agentSocketProblem, installDirectories } from './agent-files.ts';
import { guestEntry, guestHas, guestText, makeDirectory, writeGuest } from './files.ts';
import { hostsBlock } from './files.ts';
import { loadRules } from './sessions.ts';
import { UnitExit, type Guest, type UnitModel, type UnitRun } from './systemd.ts';
import { execLine } from './unit-file.ts';

const LIB = '/usr/local/lib/istio-vms';
const STORE = '/var/lib/istio-vms';
/** Where the agent reads its token: in memory, so a reboot removes it (docs/facts/istio-vm.md 5.8). */
export const TOKEN = '/run/secrets/tokens/istio-token';
/** How long the shipped `ready` script waits before it restores the machine's DNS. */
const READY_PATIENCE = 60_000;
/** The message of the script in that case. */
const READY_GAVE_UP =
  'istio-vms: not ready within 60 s (is istiod reachable?); the rules are removed, next try in 15 s';
/** The first journal line of each start of the agent. */
export const GO_MEMORY_LIMIT =
  'GOMEMLIMIT is updated package=github.com/KimMachineGun/automemlimit/memlimit GOMEMLIMIT=9223372036854775807';

/** How soon after readiness the fault `vm-rebooted` takes effect. */
const REBOOT_AFTER = 2_000;

/** Instances whose Envoy has its configuration; once there, readiness lasts until Envoy ends. */
const configured = new WeakSet<Instance>();

/** Whether `/healthz/ready` on port 15021 answers 200 now. */
export function sidecarIsReady(instance: Instance): boolean {
  return configured.has(instance);
}

/** Whether pilot-agent or Envoy is running. */
export function sidecarRuns(instance: Instance): boolean {
  const unit = instance.units.get('istio');
  return unit !== undefined && instance.rules && (unit.active === 'active' || unit.active === 'activating');
}

/**
 * Whether names are resolved: by the machine's own resolver, or by a sidecar that has its name table
 * (docs/facts/istio-vm.md 5.7).
 */
export function dnsAnswers(instance: Instance): boolean {
  return !instance.rules || configured.has(instance);
}

/**
 * The sidecar's unit, that of istio-vms (`data/guest/istio.service`) or the package's own. `reboot` is a parameter,
 * because booting itself starts units.
 */
export function sidecarUnit(reboot: (guest: Guest) => Promise<void>): UnitModel {
  return {
    run: async (run) => {
      try {
        await start(run);
      } catch (error) {
        if (error instanceof UnitExit) stopped(run);
        throw error;
      }
      if (consumeFault(run.world, 'vm-rebooted')) {
        run.world.clock.after(REBOOT_AFTER, () => void reboot(run));
      }
    },
    stop: (guest) => {
      const drains = configured.has(guest.instance) ? SIDECAR_DRAIN : 0;
      stopped(guest);
      return drains;
    },
  };
}

async function start(run: UnitRun): Promise<void> {
  const { instance, mesh, file } = run;
  const before = file.all('Service.ExecStartPre').map(execLine);
  const own = before.find((line) => line.program === `${LIB}/prepare`);
  const upstream = file.all('Service.ExecStart').some((line) => execLine(line).program.endsWith('/istio-start.sh'));
  if (own !== undefined) await prepare(run, own.privileged);
  else if (upstream) {
    if (before.some(({ program, args }) => program === '/usr/bin/install' && args.at(-1) === '/var/run/secrets'))
      makeDirectory(instance, '/var/run/secrets', { owner: 'istio-proxy' });
    await run.sleep(SIDECAR_PREPARE);
    loadRules(instance, { looseTracking: true });
  }
  // The Go runtime and the agent itself log these lines at every start.
  run.log(GO_MEMORY_LIMIT);
  if (trustedRoot(instance) === undefined) {
    throw new UnitExit(
      255,
      'Error: failed to read root cert: open ./etc/certs/root-cert.pem: no such file or directory',
    );
  }
  const sockets = agentSocketProblem(instance);
  if (sockets?.fatal !== undefined) throw new UnitExit(255, sockets.fatal);
  mesh.started(instance);
  const waits = file.all('Service.ExecStartPost').some((line) => execLine(line).program === `${LIB}/ready`);
  // Type=exec: without a script that waits, the unit counts as started once the program runs.
  if (!waits) run.active();
  await connect(run, waits ? run.world.clock.now() + READY_PATIENCE : Number.POSITIVE_INFINITY);
  if (waits) run.active();
}

/** `data/guest/prepare`: token, directories, hosts lines, rules. */
async function prepare(run: UnitRun, privileged: boolean): Promise<void> {
  const { instance } = run;
  if (!privileged) throw new UnitExit(1, 'install: cannot create directory /run/secrets: Permission denied', 'prepare');
  if (!instance.users.has('istio-proxy')) throw new UnitExit(1, "id: 'istio-proxy': no such user", 'prepare');
  for (const program of ['cleanup', 'hosts-block']) {
    const mode = guestEntry(instance, `${LIB}/${program}`)?.mode ?? 0;
    if ((mode & 0o100) === 0)
      throw new UnitExit(126, `${LIB}/prepare: ${LIB}/${program}: Permission denied`, 'prepare');
  }
  const script = guestText(instance, `${LIB}/prepare`) ?? '';
  installDirectories(instance, script);
  const token = guestText(instance, `${STORE}/istio-token`) ?? '';
  if (token !== '') writeGuest(instance, TOKEN, token, { mode: 0o600, owner: 'istio-proxy' });
  const root = guestText(instance, `${STORE}/root-cert.pem`);
  if (trustedRoot(instance) === undefined && root !== undefined) trustRoot(instance, root);
  hostsBlock(instance, guestText(instance, `${STORE}/hosts`) ?? '');
  if (script.includes('ISTIO_VMS_IDENTITY') && hasOtherIdentity(instance)) dropCertificate(instance);
  await run.sleep(SIDECAR_PREPARE);
  // A rule for replies of the ssh server, before Istio's own and in the same backend, keeps open sessions working.
  const guarded = /^guard='OUTPUT .*--sport 22 /m.test(script) && script.includes(` ${rulesBackend(instance)} `);
  loadRules(instance, { looseTracking: !guarded });
}

/**
 * The iptables backend that istio-iptables uses here (docs/facts/real-mesh.md 6.9). From 1.26 on it is the legacy one,
 * because the cleanup before it has created the legacy tables.
 */
function rulesBackend(instance: Instance): string {
  const version = readStandIn(guestEntry(instance, '/usr/local/bin/pilot-agent')?.content)?.version ?? '';
  const minor = Number(version.split('.')[1]);
  return minor < 22 ? 'iptables' : minor < 26 ? 'iptables-nft' : 'iptables-legacy';
}

/** Retries until the mesh has given Envoy a certificate and its configuration. */
async function connect(run: UnitRun, deadline: number): Promise<void> {
  const { instance, mesh, world } = run;
  run.log('info\tFQDN Service Node Type: sidecar~, starting');
  await run.sleep(SIDECAR_CONNECT);
  let isSymptomReported = false;
  let identity: string | undefined;
  for (;;) {
    const sockets = agentSocketProblem(instance);
    const state =
      sockets === undefined ? mesh.sidecar(instance) : { ready: false as const, reason: sockets.lines.at(-1) ?? '' };
    if (state.ready) {
      identity = state.identity;
      break;
    }
    sockets?.lines.slice(0, -1).forEach((line) => run.log(line));
    run.log(state.reason);
    if (!isSymptomReported)
      run.log('warn\tEnvoy proxy is NOT ready: config not received from XDS server (is Istiod running?)');
    isSymptomReported = true;
    if ('fatal' in state && state.fatal) throw new UnitExit(255, `Error: ${state.reason}`);
    if (world.clock.now() >= deadline) {
      throw new UnitExit(1, READY_GAVE_UP, 'ready');
    }
    await run.sleep(SIDECAR_RETRY);
  }
  keepCertificate(world, instance, identity);
  run.log('info\tcache\tgenerated new workload certificate');
  await run.sleep(SIDECAR_CONFIG);
  configured.add(instance);
  run.log('info\tEnvoy proxy is ready');
}

/** Called after the processes have ended and `cleanup` has removed the rules. */
function stopped({ instance, mesh }: Guest): void {
  configured.delete(instance);
  if (guestHas(instance, '/usr/local/bin/pilot-agent')) instance.rules = false;
  mesh.stopped(instance);
}

/** `pilot-agent wait`: whether the sidecar became ready within so many seconds. */
export async function waitReady({ world, instance }: Guest, seconds: number): Promise<boolean> {
  for (let left = seconds; ; left--) {
    if (configured.has(instance)) return true;
    if (left <= 0) return false;
    await world.clock.sleep(Math.max(1_000, GUEST_SCRIPT));
  }
}
