import { GUEST_SCRIPT } from '../../durations.ts';
import { digestOf } from '../../stand-in.ts';
import type { Instance } from '../../world.ts';
import { workloadCertificate } from '../certificate.ts';
import { guestEntry, guestText } from '../files.ts';
import { listenerLine } from '../listeners.ts';
import { sidecarIsReady } from '../sidecar.ts';
import { invocationOf, knownUnit } from '../systemd.ts';
import { stampOf, type ScriptCall, type ScriptModel } from './script.ts';
import { DEMO_STAMPED, sidecarStamped } from './starts.ts';

/** Name of the CPU in the kernel's words. */
export const KERNEL_CPU = { amd64: 'x86_64', arm64: 'aarch64' } as const;

/** `data/guest/state.sh`: the state of this machine, one key and value per line. */
export const stateModel: ScriptModel = async (call) => {
  const { world, instance, args } = call;
  await world.clock.sleep(GUEST_SCRIPT);
  const { expires, identity } = workloadCertificate(instance) ?? {};
  const facts: readonly (readonly [string, string])[] = [
    ['arch', KERNEL_CPU[instance.cpu]],
    ['boot_id', instance.bootId],
    ['now', String(Math.floor(world.clock.now() / 1000))],
    ['lab', firstLine(instance, '/etc/istio-vms/lab')],
    ['sidecar.version', firstLine(instance, '/var/lib/istio-vms/sidecar-version')],
    ['sidecar.enabled', enabled(instance, 'istio')],
    ['sidecar.active', knownUnit(instance, 'istio')?.active ?? 'inactive'],
    ['sidecar.ready', sidecarIsReady(instance) ? '200' : '000'],
    ['sidecar.invocation', invocationOf(instance, 'istio') || '-'],
    ['sidecar.hosts', hostsLines(instance)],
    ['sidecar.current', current(call, 'istio', sidecarStamped(instance))],
    ['demo.enabled', enabled(instance, 'istio-vms-demo')],
    ['demo.active', knownUnit(instance, 'istio-vms-demo')?.active ?? 'inactive'],
    ['demo.current', current(call, 'istio-vms-demo', DEMO_STAMPED)],
    ['cert.expires', expires === undefined ? '-' : String(Math.floor(expires / 1000))],
    ['cert.identity', identity || '-'],
    ['sudo', /^(2[6-9]|25\.10)/.test(instance.release) ? 'sudo-rs' : 'sudo'],
    ...args.map((arg) => {
      const port = /^port=(\d+)$/.exec(arg)?.[1];
      if (port !== undefined) return ['demo.listener', listenerLine(instance, Number(port))] as const;
      return ['file', about(instance, arg)] as const;
    }),
  ];
  return { exitCode: 0, stdout: facts.map(([key, value]) => `${key}\t${value}\n`).join('') };
};

function firstLine(instance: Instance, path: string): string {
  return guestText(instance, path)?.split('\n')[0] || '-';
}

function current(call: ScriptCall, unit: string, paths: readonly string[]): string {
  const was = guestText(call.instance, `/var/lib/istio-vms/started.${unit}`)?.trim();
  if (was === undefined) return '-';
  return was === stampOf(call, paths) ? 'yes' : 'no';
}

function hostsLines(instance: Instance): string {
  const lines = guestText(instance, '/var/lib/istio-vms/hosts') ?? '';
  if (lines === '') return '-';
  return guestText(instance, '/etc/hosts')?.includes(`# istio-vms begin\n${lines}# istio-vms end\n`) === true
    ? 'there'
    : 'missing';
}

function enabled(instance: Instance, name: string): string {
  const unit = knownUnit(instance, name);
  return unit === undefined ? '-' : unit.enabled ? 'enabled' : 'disabled';
}

function about(instance: Instance, path: string): string {
  const entry = guestEntry(instance, path);
  if (entry === undefined) return `- - - - ${path}`;
  return `${digestOf(entry.content)} ${entry.mode.toString(8)} ${entry.owner} ${entry.group} ${path}`;
}
