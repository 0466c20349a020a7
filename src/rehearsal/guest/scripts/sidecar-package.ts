import { GUEST_SCRIPT, PACKAGE_INSTALL } from '../../durations.ts';
import { readStandIn, standInBytes, type StandIn } from '../../stand-in.ts';
import type { Instance } from '../../world.ts';
import { UNIT_MODELS } from '../boot.ts';
import { guestEntry, guestHas, guestText, makeDirectory, removeGuest, writeGuest } from '../files.ts';
import { hostsBlock } from '../files.ts';
import { dnsAnswers } from '../sidecar.ts';
import { stopUnit } from '../systemd.ts';
import { failed, type ScriptModel } from './script.ts';

const USER = 'istio-proxy';
const STORE = '/var/lib/istio-vms';
const PROGRAMS = ['/usr/local/bin/envoy', '/usr/local/bin/pilot-agent'];
const OWN = { owner: USER } as const;
/** Bytes that a cloud image itself uses, and bytes that the sidecar needs. Estimates. */
const IMAGE_BYTES = 1.6 * 2 ** 30;
const SIDECAR_BYTES = 0.4 * 2 ** 30;

/** `data/guest/sidecar-install.sh deb VERSION FILE` or `image VERSION`. */
export const sidecarInstallModel: ScriptModel = async (call) => {
  const { world, instance, args } = call;
  const [route = '', version = '', deb] = args;
  await world.clock.sleep(GUEST_SCRIPT);
  const forget = (): void => (deb === undefined ? undefined : removeGuest(instance, deb));
  const fail = (code: number, text: string): ReturnType<typeof failed> => {
    forget();
    return failed('sidecar-install', code, text);
  };
  const installed = guestText(instance, `${STORE}/sidecar-version`)?.trim();
  if (route === 'deb' && installed === version && PROGRAMS.every((path) => guestHas(instance, path))) {
    forget();
    return { exitCode: 0, stdout: 'unchanged\n' };
  }
  if (!instance.users.has(USER)) writeGuest(instance, `${STORE}/made-user`, '');
  await stopUnit(call, 'istio', UNIT_MODELS);
  const source =
    route === 'deb'
      ? packageAt(instance, deb)
      : readStandIn(guestEntry(instance, '/usr/local/bin/pilot-agent')?.content);
  if (route !== 'deb' && route !== 'image') return fail(2, `unknown route ${route}`);
  if (route === 'deb' && source === undefined) return fail(22, `${deb ?? ''} is no package`);
  if (source !== undefined && source.cpu !== instance.cpu) {
    return fail(20, wrongCpu(route === 'deb' ? source.cpu : 'image', instance));
  }
  const free = Math.floor((diskBytes(instance.disk) - IMAGE_BYTES) / 1024);
  if (free < SIDECAR_BYTES / 1024) {
    const needed = SIDECAR_BYTES / 1024;
    return fail(21, `no space left on device: the sidecar needs ${needed} KiB, ${Math.max(free, 0)} are free`);
  }
  if (route === 'deb') {
    // Dependencies and package lists come over the network, which needs DNS.
    if (!dnsAnswers(instance)) {
      await world.clock.sleep(PACKAGE_INSTALL);
      return fail(22, 'the package manager could not install the sidecar');
    }
    await world.clock.sleep(PACKAGE_INSTALL);
    CRASH_POINT: await world.crashPoints?.at(`sidecar-install on ${instance.name}: package about to be unpacked`);
    unpack(instance, source as StandIn);
  } else {
    for (const path of PROGRAMS) {
      if (readStandIn(guestEntry(instance, path)?.content)?.cpu !== instance.cpu) {
        return fail(20, wrongCpu('image', instance));
      }
    }
  }
  CRASH_POINT: await world.crashPoints?.at(`sidecar-install on ${instance.name}: unpacked, not configured`);
  afterUnpacking(instance);
  CRASH_POINT: await world.crashPoints?.at(`sidecar-install on ${instance.name}: configured, not noted`);
  writeGuest(instance, `${STORE}/sidecar-version`, `${version}\n`);
  forget();
  // The package manager writes its own output there.
  const stderr = route === 'deb' ? `Reading package lists...\nSetting up istio-sidecar (${version}) ...\n` : '';
  return { exitCode: 0, stdout: 'installed\n', stderr };
};

const wrongCpu = (madeFor: string, { cpu }: Instance): string =>
  `package architecture (${madeFor}) does not match system (${cpu})`;

function packageAt(instance: Instance, path: string | undefined): StandIn | undefined {
  const standIn = path === undefined ? undefined : readStandIn(guestEntry(instance, path)?.content);
  return standIn?.artifact === 'istio-sidecar' ? standIn : undefined;
}

/** The content of the package (docs/facts/istio-vm.md 1.4). */
function unpack(instance: Instance, { version, cpu }: StandIn): void {
  for (const path of PROGRAMS) {
    const artifact = path.slice(path.lastIndexOf('/') + 1);
    writeGuest(instance, path, standInBytes({ artifact, version, cpu }), { mode: 0o755 });
  }
  writeGuest(instance, '/usr/local/bin/istio-start.sh', '#!/bin/bash\n', { mode: 0o755 });
  writeGuest(instance, '/lib/systemd/system/istio.service', UPSTREAM_UNIT);
  writeGuest(instance, '/var/lib/istio/envoy/sidecar.env', '');
  writeGuest(instance, '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json', '{}');
  instance.packages.set('istio-sidecar', version);
}

const UPSTREAM_UNIT = `[Unit]
Description=istio-sidecar: The Istio sidecar
[Service]
ExecStartPre=+/usr/bin/install -d -o istio-proxy -m 0755 /var/run/secrets
ExecStart=/usr/local/bin/istio-start.sh
Restart=always
RestartSec=10
[Install]
WantedBy=multi-user.target
`;

/** What the package's own script does; istio-vms' script does the same when the programs come from an image. */
function afterUnpacking(instance: Instance): void {
  instance.users.add(USER);
  if (!guestHas(instance, '/etc/istio')) {
    instance.files.set('/etc/istio', {
      content: '',
      mode: 0o777,
      owner: 'root',
      group: 'root',
      link: '/var/lib/istio',
    });
  }
  if (!guestHas(instance, '/var/lib/istio/config/mesh')) writeGuest(instance, '/var/lib/istio/config/mesh', '', OWN);
  for (const path of ['/var/lib/istio/envoy', '/var/lib/istio/proxy', '/var/lib/istio/config', '/etc/certs']) {
    makeDirectory(instance, path, OWN);
  }
  for (const path of PROGRAMS) {
    const entry = guestEntry(instance, path);
    if (entry !== undefined) Object.assign(entry, { mode: 0o2755, group: USER });
  }
}

/** `data/guest/sidecar-remove.sh`: removes what istio-vms and the package installed; the rest is unchanged. */
export const sidecarRemoveModel: ScriptModel = async (call) => {
  const { world, instance } = call;
  await world.clock.sleep(GUEST_SCRIPT);
  for (const name of ['istio', 'istio-vms-demo']) {
    await stopUnit(call, name, UNIT_MODELS);
    instance.units.delete(name);
  }
  instance.rules = false;
  if (guestHas(instance, '/usr/local/lib/istio-vms/hosts-block')) hostsBlock(instance, '');
  const purged = instance.packages.delete('istio-sidecar');
  if (purged) await world.clock.sleep(PACKAGE_INSTALL / 2);
  const ownUser = guestHas(instance, `${STORE}/made-user`);
  if (instance.files.get('/etc/istio')?.link !== undefined) instance.files.delete('/etc/istio');
  for (const path of REMOVED) removeGuest(instance, path);
  if (purged) removeGuest(instance, '/lib/systemd/system/istio.service');
  if (ownUser) instance.users.delete(USER);
  return { exitCode: 0, stdout: 'removed\n' };
};

const REMOVED = [
  '/etc/systemd/system/istio.service',
  '/etc/systemd/system/istio-vms-demo.service',
  ...PROGRAMS,
  '/usr/local/bin/istio-start.sh',
  '/etc/certs/root-cert.pem',
  '/etc/certs/cert-chain.pem',
  '/etc/certs/key.pem',
  '/var/lib/istio',
  '/var/log/istio',
  '/var/run/secrets',
  '/etc/certs',
  '/usr/local/lib/istio-vms',
  STORE,
];

function diskBytes(size: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)\s*([KMG]?)/i.exec(size) ?? [];
  return Number(number) * { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit.toUpperCase() as '' | 'K' | 'M' | 'G'];
}
