import { CliError } from '../errors/cli-error.ts';
import type { Command, Cpu } from '../system/system.ts';
import { shippedText, type GuestTexts } from './shipped.ts';

export interface GuestFileState {
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
}

export interface GuestUnitState {
  /** Absent when the machine has no such unit. */
  readonly enabled?: boolean;
  /** systemd's ActiveState, e.g. `active`, `activating`, `inactive`, `failed`. */
  readonly active: string;
  /** Whether it was started with the current files; absent when no start by istio-vms has completed. */
  readonly current?: boolean;
}

/** The process that listens on the application's port. */
export interface GuestListener {
  readonly program: string;
  readonly pid?: number;
  /** Its systemd unit, e.g. `nginx.service`. */
  readonly unit?: string;
  /** Address and port, e.g. `0.0.0.0:8000`. */
  readonly address: string;
}

/** Output of `data/guest/state.sh`. */
export interface GuestState {
  readonly arch?: Cpu;
  readonly bootId?: string;
  /** The machine's own clock, seconds since 1970. */
  readonly now?: number;
  /** The lab that owns the machine. */
  readonly lab?: string;
  readonly sidecar: GuestUnitState & {
    /** Istio version that was installed. */
    readonly version?: string;
    /** Whether the readiness port returned 200. */
    readonly ready: boolean;
    /** HTTP status of the readiness port; 0 when nothing listens. */
    readonly readyCode: number;
    /** systemd's id of the last start; absent before the first one. */
    readonly invocation?: string;
    /** Whether our lines in /etc/hosts match what the sidecar needs; absent before it was configured. */
    readonly hosts?: boolean;
  };
  readonly demo: GuestUnitState & {
    /** Absent when the port is free, or no port was given. */
    readonly listener?: GuestListener;
  };
  /** Expiry of the workload certificate, seconds since 1970. */
  readonly certExpires?: number;
  /** `spiffe://…` of that certificate. */
  readonly certIdentity?: string;
  readonly sudo: 'sudo' | 'sudo-rs';
  /** The requested paths that exist. */
  readonly files: ReadonlyMap<string, GuestFileState>;
}

/** The command that reads a machine's state; it changes nothing. */
export function stateCommand(shipped: GuestTexts, paths: readonly string[] = [], port?: number): Command {
  const asked = port === undefined ? paths : [...paths, `port=${port}`];
  return {
    file: 'sudo',
    args: ['sh', '-c', shippedText(shipped, 'state.sh'), 'istio-vms-state', ...asked],
    effect: 'read',
    timeoutMs: 60_000,
  };
}

/** Parses the output of `state.sh`. @throws CliError `guest-failed` when it cannot be parsed. */
export function parseGuestState(stdout: string): GuestState {
  const values = new Map<string, string>();
  const files = new Map<string, GuestFileState>();
  let isReported = false;
  for (const line of stdout.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const [key, value] = [line.slice(0, tab), line.slice(tab + 1)];
    isReported ||= key === 'sidecar.active';
    if (key === 'file') readFile(value, files);
    else if (value !== '-' && value !== '') values.set(key, value);
  }
  if (!isReported) {
    throw new CliError('guest-failed', {
      message: 'The machine did not report its state.',
      details: stdout.trim().split('\n').slice(-5),
    });
  }
  const arch = CPUS[values.get('arch') ?? ''];
  const [bootId, now, lab] = [values.get('boot_id'), seconds(values.get('now')), values.get('lab')];
  const certIdentity = values.get('cert.identity');
  const [version, certExpires] = [values.get('sidecar.version'), seconds(values.get('cert.expires'))];
  const [hosts, invocation] = [values.get('sidecar.hosts'), values.get('sidecar.invocation')];
  const readyCode = Number(values.get('sidecar.ready') ?? 0);
  return {
    ...(arch && { arch }),
    ...(bootId && { bootId }),
    ...(now !== undefined && { now }),
    ...(lab && { lab }),
    sidecar: {
      ...unitState('sidecar', values),
      ...(version && { version }),
      ready: readyCode === 200,
      readyCode,
      ...(invocation && { invocation }),
      ...(hosts && { hosts: hosts === 'there' }),
    },
    demo: { ...unitState('demo', values), ...readListener(values.get('demo.listener')) },
    ...(certExpires !== undefined && { certExpires }),
    ...(certIdentity && { certIdentity }),
    sudo: values.get('sudo') === 'sudo-rs' ? 'sudo-rs' : 'sudo',
    files,
  };
}

const CPUS: Readonly<Record<string, Cpu>> = { x86_64: 'amd64', amd64: 'amd64', aarch64: 'arm64', arm64: 'arm64' };

function unitState(name: string, values: ReadonlyMap<string, string>): GuestUnitState {
  const enabled = values.get(`${name}.enabled`);
  const current = values.get(`${name}.current`);
  return {
    ...(enabled && { enabled: enabled === 'enabled' }),
    ...(current && { current: current === 'yes' }),
    active: values.get(`${name}.active`) ?? 'inactive',
  };
}

function readListener(value = ''): { listener?: GuestListener } {
  const [, pid = '', unit, address, program] = /^(\S+) (\S+) (\S+) (.*)$/.exec(value) ?? [];
  if (unit === undefined || address === undefined || program === undefined) return {};
  const known = { ...(pid !== '-' && { pid: Number(pid) }), ...(unit !== '-' && { unit }) };
  return { listener: { program: program === '-' ? 'an unknown program' : program, ...known, address } };
}

function readFile(value: string, into: Map<string, GuestFileState>): void {
  // The path is last and may hold spaces.
  const [, sha256, mode, owner, group, path] = /^(\S+) (\S+) (\S+) (\S+) (.*)$/.exec(value) ?? [];
  if (!sha256 || sha256 === '-' || !mode || !owner || !group || !path) return;
  into.set(path, { sha256, mode: Number.parseInt(mode, 8), owner, group });
}

function seconds(text: string | undefined): number | undefined {
  const number = Number(text);
  return text === undefined || !Number.isFinite(number) ? undefined : number;
}
