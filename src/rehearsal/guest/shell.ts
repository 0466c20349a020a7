import { GUEST_COMMAND } from '../durations.ts';
import { traitsOf } from '../engines/traits.ts';
import type { GuestCall, GuestProgram, ProgramResult } from '../world.ts';
import { powerOff, reboot } from './boot.ts';
import { curl } from './curl.ts';
import { guestEntry, guestHas, guestText } from './files.ts';
import { imagesImportModel } from './scripts/images-import.ts';
import { placeModel } from './scripts/place.ts';
import type { ScriptCall, ScriptModel } from './scripts/script.ts';
import { sidecarInstallModel, sidecarRemoveModel } from './scripts/sidecar-package.ts';
import { demoStartModel, demoStopModel, k3sStartModel, sidecarStartModel } from './scripts/starts.ts';
import { KERNEL_CPU, stateModel } from './scripts/state.ts';
import { GO_MEMORY_LIMIT, waitReady } from './sidecar.ts';
import { journalctl, systemctl } from './systemctl.ts';
import { programProblem } from './unit-file.ts';

const SCRIPTS: Readonly<Record<string, ScriptModel>> = {
  'place.sh': placeModel((text, call) => runShipped(text, call)),
  'state.sh': stateModel,
  'images-import.sh': imagesImportModel,
  'k3s-start.sh': k3sStartModel,
  'sidecar-install.sh': sidecarInstallModel,
  'sidecar-start.sh': sidecarStartModel,
  'sidecar-remove.sh': sidecarRemoveModel,
  'demo-start.sh': demoStartModel,
  'demo-stop.sh': demoStopModel,
};

/** Runs an argv on a guest, as ssh passes it on. Supports only the commands that istio-vms uses. */
export const runOnGuest: GuestProgram = async (call) => {
  const [file = '', ...rest] = call.args;
  if (file === 'sudo') {
    if (rest[0]?.startsWith('-') !== false) return unknown(call);
    return runOnGuest({ ...call, root: true, args: rest });
  }
  if (file === 'sh') return shell(call);
  if (file === 'env') {
    const at = rest.findIndex((arg) => !/^\w+=/.test(arg));
    const set = rest
      .slice(0, at)
      .map((arg) => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)] as const);
    return runOnGuest({ ...call, args: rest.slice(at), env: { ...call.env, ...Object.fromEntries(set) } });
  }
  const program = PROGRAMS[file] ?? call.world.guestPrograms.get(file);
  if (program === undefined) return unknown(call);
  await call.world.clock.sleep(GUEST_COMMAND);
  return program(call);
};

const shell: GuestProgram = async (call) => {
  const [, flag, text = '', , ...args] = call.args;
  if (flag !== '-c') return unknown(call);
  const { wrapper } = traitsOf(call.world.engine.name);
  if (text === wrapper.text) return wrapper.run({ ...call, args }, runOnGuest);
  const exit = /^exit (\d+)$/.exec(text);
  if (exit !== null) return { exitCode: Number(exit[1]) };
  const shipped = call.root ? await runShipped(text, { ...call, args }) : undefined;
  return shipped ?? (await call.world.guestPrograms.get('sh')?.(call)) ?? unknown(call);
};

/** Recognizes a script by its exact text; only shipped scripts are supported. */
async function runShipped(text: string, call: ScriptCall): Promise<ProgramResult | undefined> {
  const name = Object.keys(SCRIPTS).find((candidate) => call.world.shipped.guest[candidate] === text);
  return name === undefined ? undefined : SCRIPTS[name]?.(call);
}

const PROGRAMS: Readonly<Record<string, GuestProgram>> = {
  true: async () => ({ exitCode: 0 }),
  uname: async (call) =>
    call.args[1] === '-m' && call.args.length === 2
      ? { exitCode: 0, stdout: `${KERNEL_CPU[call.instance.cpu]}\n` }
      : unknown(call),
  cat: async ({ instance, root, args, stdin }) => {
    const [, path] = args;
    if (path === undefined) return { exitCode: 0, stdout: stdin };
    if (path === '/proc/sys/kernel/random/boot_id') return { exitCode: 0, stdout: `${instance.bootId}\n` };
    const entry = guestEntry(instance, path);
    const reason =
      entry === undefined
        ? guestHas(instance, path)
          ? 'Is a directory'
          : 'No such file or directory'
        : root || entry.owner === 'ubuntu' || (entry.mode & 0o004) !== 0
          ? undefined
          : 'Permission denied';
    if (reason !== undefined || entry === undefined) return { exitCode: 1, stderr: `cat: ${path}: ${reason ?? ''}\n` };
    return { exitCode: 0, stdout: entry.content };
  },
  'cloud-init': async (call) => {
    if (call.args.slice(1).join(' ') !== 'status --wait') return unknown(call);
    while (call.instance.cloudInit === 'running') await call.world.clock.sleep(1_000);
    const done = call.instance.cloudInit === 'done';
    return { exitCode: done ? 0 : 1, stdout: `\nstatus: ${done ? 'done' : 'error'}\n` };
  },
  systemctl: (call) => systemctl(call, unknown),
  journalctl: (call) => journalctl(call, unknown),
  curl,
  k3s: async (call) => {
    const { instance, world } = call;
    const problem = programProblem(instance, '/usr/local/bin/k3s');
    if (problem !== undefined) return { exitCode: 127, stderr: `sudo: k3s: command not found\n` };
    if (call.args.slice(1).join(' ') !== 'kubectl get --raw=/readyz --request-timeout=5s') return unknown(call);
    if (world.cluster?.server === instance.name && world.cluster.ready()) return { exitCode: 0, stdout: 'ok' };
    const there = guestText(instance, '/etc/rancher/k3s/k3s.yaml') !== undefined;
    const address = there ? '127.0.0.1:6443' : 'localhost:8080';
    return {
      exitCode: 1,
      stderr: `The connection to the server ${address} was refused - did you specify the right host or port?\n`,
    };
  },
  'pilot-agent': async (call) => {
    const problem = programProblem(call.instance, '/usr/local/bin/pilot-agent');
    if (problem !== undefined) return notFound(call);
    const [, verb, flag, seconds = '', urlFlag, url] = call.args;
    const understood =
      verb === 'wait' &&
      flag === '--timeoutSeconds' &&
      urlFlag === '--url' &&
      url === 'http://localhost:15021/healthz/ready';
    if (!understood || call.args.length !== 6) return unknown(call);
    const line = (text: string): string => `${new Date(call.world.clock.now()).toISOString()}\tinfo\t${text}\n`;
    const begun = line(`Waiting for Envoy proxy to be ready (timeout: ${seconds} seconds)...`);
    const limit = `${GO_MEMORY_LIMIT}\n`;
    if (await waitReady(call, Number(seconds)))
      return { exitCode: 0, stdout: `${begun}${line('Envoy is ready!')}`, stderr: limit };
    return {
      exitCode: 255,
      stdout: begun,
      stderr: `${limit}Error: timeout waiting for Envoy proxy to become ready. Last error: Get "${url}": dial tcp 127.0.0.1:15021: connect: connection refused\n`,
    };
  },
  python3: async (call) => {
    const [, flag, text, name, ...more] = call.args;
    if (flag !== '-c' || text !== call.world.shipped.guest['dns.py'] || name === undefined || more.length > 0) {
      return unknown(call);
    }
    const answer = call.mesh.resolve(call.instance, name);
    if ('addresses' in answer) return { exitCode: 0, stdout: `${answer.addresses.join('\n')}\n` };
    return { exitCode: 1, stderr: `${name}: ${answer.error} (asked 127.0.0.53#53)\n` };
  },
  reboot: async (call) => {
    if (!call.root) return { exitCode: 1, stderr: 'Call to Reboot failed: Interactive authentication required.\n' };
    void reboot(call);
    // The session ends with the machine.
    return { exitCode: 255 };
  },
  poweroff: async (call) => {
    if (!call.root) return { exitCode: 1, stderr: 'Call to PowerOff failed: Interactive authentication required.\n' };
    powerOff(call);
    return { exitCode: 255 };
  },
};

function notFound({ args }: GuestCall): ProgramResult {
  return { exitCode: 127, stderr: `${args[0] ?? ''}: command not found\n` };
}

/** An unknown command is not found, and is recorded so that a test can detect the call. */
function unknown(call: GuestCall): ProgramResult {
  const shown = call.args.map((arg) => (arg.length > 80 ? `${arg.slice(0, 77)}...` : arg)).join(' ');
  return { ...notFound(call), refused: `on ${call.instance.name}: ${shown}` };
}
