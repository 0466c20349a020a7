import { GUEST_SCRIPT, LID_CLOSED } from '../../durations.ts';
import { consumeFault } from '../../fault-state.ts';
import { digestOf } from '../../stand-in.ts';
import { dropCertificate, hasOtherIdentity, trustRoot } from '../certificate.ts';
import { asText, guestEntry, guestPath, guestText, removeGuest, writeGuest } from '../files.ts';
import { UNIT_MODELS } from '../boot.ts';
import { demoPort, ownApplication } from '../listeners.ts';
import { journalLines, stopUnit } from '../systemd.ts';
import { hostsBlock } from '../files.ts';
import { freezeSessions } from '../sessions.ts';
import { TOKEN } from '../sidecar.ts';
import type { Instance } from '../../world.ts';
import { startAsStamped, failed, type ScriptCall, type ScriptModel } from './script.ts';

const DEMO = 'istio-vms-demo';
const STORE = '/var/lib/istio-vms';
const ROOT = `${STORE}/root-cert.pem`;

/**
 * `data/guest/k3s-start.sh UNIT`: creates the join password on a server, enables the unit, starts it without waiting.
 */
export const k3sStartModel: ScriptModel = async (call) => {
  const { world, instance, args } = call;
  const [unit] = args;
  await world.clock.sleep(GUEST_SCRIPT);
  if (unit !== 'k3s' && unit !== 'k3s-agent') return failed('k3s-start', 2, `unknown unit ${unit ?? ''}`);
  const token = '/etc/rancher/k3s/agent-token';
  if (unit === 'k3s' && (guestText(instance, token) ?? '') === '') {
    writeGuest(instance, token, world.token(16), { mode: 0o600 });
    CRASH_POINT: await world.crashPoints?.at(`k3s-start on ${instance.name}: token made, nothing started`);
  }
  const paths = ['/usr/local/bin/k3s', '/etc/rancher/k3s/config.yaml', token, `/etc/systemd/system/${unit}.service`];
  return startAsStamped(call, unit, paths, { wait: false });
};

/** `data/guest/sidecar-start.sh`: deletes certificates of another root, then starts what place.sh has placed here. */
export const sidecarStartModel: ScriptModel = async (call) => {
  const { world, instance } = call;
  await world.clock.sleep(GUEST_SCRIPT);
  const script = world.shipped.guest['sidecar-start.sh'] ?? '';
  const root = guestText(instance, ROOT);
  if (root === undefined) return { exitCode: 2, stderr: `sh: 1: cannot open ${ROOT}: No such file\n` };
  const other = guestText(instance, `${STORE}/root-cert.sha256`)?.trim() !== digestOf(root);
  if (other) dropCertificate(instance);
  if (other || instance.units.get('istio')?.active !== 'active') {
    if (!instance.users.has('istio-proxy')) return { exitCode: 1, stderr: "install: invalid user: 'istio-proxy'\n" };
    trustRoot(instance, root);
  }
  writeGuest(instance, `${STORE}/root-cert.sha256`, `${digestOf(root)}\n`);
  hostsBlock(instance, guestText(instance, `${STORE}/hosts`) ?? '');
  if (consumeFault(world, 'computer-slept')) world.clock.leap(LID_CLOSED);
  const freezes = consumeFault(world, 'session-hung');
  const result = await startAsStamped(call, 'istio', sidecarStamped(instance), {
    wait: false,
    unchanged: () => newToken(call),
    restart: script.includes('ISTIO_VMS_IDENTITY') && hasOtherIdentity(instance),
  });
  if (freezes) freezeSessions(instance);
  return result;
};

/** The files that a running sidecar has read, in the order of its start script. */
export function sidecarStamped(instance: Instance): readonly string[] {
  const lib = guestPath(instance, '/usr/local/lib/istio-vms');
  return [
    '/etc/systemd/system/istio.service',
    ...[...instance.files.keys()].filter((path) => path.startsWith(`${lib}/`)).sort(),
    '/var/lib/istio/envoy/cluster.env',
    `${STORE}/sidecar.env`,
    `${STORE}/hosts`,
    `${STORE}/sidecar-version`,
    '/etc/istio/config/mesh',
    ROOT,
  ];
}

/** The files that the demo workload has read. */
export const DEMO_STAMPED: readonly string[] = ['/etc/systemd/system/istio-vms-demo.service', `${STORE}/demo.env`];

/** A running agent reads its token again each time, so a new one needs no restart. */
function newToken({ instance }: ScriptCall): string {
  const token = guestText(instance, `${STORE}/istio-token`) ?? '';
  const entry = guestEntry(instance, TOKEN);
  if (token === '' || (entry !== undefined && asText(entry.content) === token)) return 'unchanged';
  writeGuest(instance, TOKEN, token, { mode: 0o600, owner: 'istio-proxy' });
  return 'token';
}

/** `data/guest/demo-start.sh`: starts the demo workload and waits until it listens. */
export const demoStartModel: ScriptModel = async (call) => {
  await call.world.clock.sleep(GUEST_SCRIPT);
  const result = await startAsStamped(call, DEMO, DEMO_STAMPED, { wait: true });
  const port = demoPort(call.instance);
  if (port === undefined || ownApplication(call.instance, port) === undefined) return result;
  // systemd considers it started; the script detects that it does not listen.
  removeGuest(call.instance, `${STORE}/started.${DEMO}`);
  const words = journalLines(call.instance, DEMO).filter(({ message }) => /^\w*Error/.test(message));
  return {
    exitCode: 23,
    stderr: `${words.at(-1)?.message ?? ''}\ndemo-start: the demo workload does not listen on port ${port}\n`,
  };
};

/** `data/guest/demo-stop.sh`: removes the demo workload. */
export const demoStopModel: ScriptModel = async (call) => {
  const { instance, world } = call;
  await world.clock.sleep(GUEST_SCRIPT);
  await stopUnit(call, DEMO, UNIT_MODELS);
  instance.units.delete(DEMO);
  for (const path of [
    `/etc/systemd/system/${DEMO}.service`,
    `${STORE}/demo.env`,
    `${STORE}/demo`,
    `${STORE}/started.${DEMO}`,
  ])
    removeGuest(instance, path);
  return { exitCode: 0, stdout: 'stopped\n' };
};
