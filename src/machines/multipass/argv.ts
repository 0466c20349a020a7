import { stringify } from 'yaml';
import type { Command, CommandResult } from '../../system/system.ts';
import type { MachineSpec } from '../machine.ts';
import { restartHint } from './host.ts';

/**
 * Timeout in seconds for Multipass itself, for each phase of a launch and for a start (docs/facts/multipass.md 3.3).
 */
const LAUNCH_S = 900;
const START_S = 300;
/** Multipass gives a guest five minutes to shut down. */
const STOP_MS = 330_000;
/** Our own deadline is a little longer than the tool's, so that the tool reports its own error first (rule 10). */
const MARGIN_MS = 60_000;
/** The daemon answers one request at a time, and another `stop` may block it for five minutes. */
const ANSWER_MS = 330_000;

const multipass = (effect: Command['effect'], timeoutMs: number, ...args: string[]): Command => ({
  file: 'multipass',
  args,
  effect,
  origin: 'engine',
  timeoutMs,
});

export const versionCommand = (): Command => multipass('read', 30_000, 'version', '--format', 'json');

export const listCommand = (): Command => multipass('read', ANSWER_MS, 'list', '--format', 'json');

export const infoCommand = (name: string): Command => multipass('read', ANSWER_MS, 'info', name, '--format', 'json');

/** cloud-init is passed on standard input: the snap cannot read most host paths (rule 9). */
export function launchCommand(spec: MachineSpec): Command {
  const options = {
    name: spec.name,
    cpus: String(spec.cpus),
    memory: spec.memory,
    disk: spec.disk,
    timeout: String(LAUNCH_S),
  };
  const flags = Object.entries(options).flatMap(([flag, value]) => [`--${flag}`, value]);
  return {
    ...multipass('write', LAUNCH_S * 1000 + MARGIN_MS, 'launch', spec.release, ...flags, '--cloud-init', '-'),
    stdin: `#cloud-config\n${stringify(spec.cloudInit)}`,
  };
}

export const startCommand = (name: string): Command =>
  multipass('write', START_S * 1000 + MARGIN_MS, 'start', name, '--timeout', String(START_S));

/** A clean shutdown; one that is already stopped is fine (docs/facts/multipass.md 3.2). */
export const stopCommand = (name: string): Command => multipass('write', STOP_MS, 'stop', name);

/** Deletes exactly this machine. Never use `multipass purge`, which also erases other deleted machines. */
export const removeCommand = (name: string): Command => multipass('write', ANSWER_MS, 'delete', '--purge', name);

/**
 * Runs the given command on the machine.
 *
 * The first byte on stdout shows that the command started. The client's spinner comes before it. Without the byte, the
 * failure is one of Multipass, which uses the same exit codes as many commands. The exit code is never 4: Multipass up
 * to 1.16.3 takes a 4 for its own «again» and runs the command in an endless loop (docs/facts/multipass.md 1.2, #3771).
 * A 4 is sent as 104 with a last byte on stderr, because a command may also exit with 104 itself. `timeout` ends what a
 * killed client left running; only root can end what `sudo` started.
 */
export const SHIM = [
  String.raw`printf '\036'; l=$1; shift;`,
  'case $1 in sudo) shift; set -- sudo timeout -k 2 "$l" "$@" ;; *) set -- timeout -k 2 "$l" "$@" ;; esac;',
  String.raw`"$@"; rc=$?; [ $rc -ne 4 ] || { printf '\037' >&2; rc=104; }; exit $rc`,
].join(' ');
const REMAPPED_FOUR = 104;
const WAS_FOUR = '\u001f';
/** The machine's `timeout` starts later and is longer, so our own deadline comes first. */
const GUEST_MARGIN_S = 5;

/** Timeout for a command on a machine that does not set one. */
const GUEST_READ_MS = 60_000;
const GUEST_WRITE_MS = 600_000;

/**
 * The command on the host that runs `command` on the machine. Its `env` becomes arguments of env(1), so it must not
 * contain secrets.
 */
export function execCommand(name: string, command: Command): Command {
  const { env, ...rest } = command;
  const timeoutMs = command.timeoutMs ?? (command.effect === 'read' ? GUEST_READ_MS : GUEST_WRITE_MS);
  const limit = String(Math.ceil(timeoutMs / 1000) + GUEST_MARGIN_S);
  const assignments = Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`);
  const inner = [...(assignments.length > 0 ? ['env', ...assignments] : []), command.file, ...command.args];
  return {
    ...rest,
    file: 'multipass',
    origin: 'guest',
    args: ['exec', '-n', name, '--', 'sh', '-c', SHIM, 'sh', limit, ...inner],
    timeoutMs,
    onMachine: { name, argv: inner, restartHint: restartHint(name) },
  };
}

/** The result with the exit code 4 restored. */
export function withFour(result: CommandResult): CommandResult {
  const { exitCode, stderr } = result;
  if (exitCode !== REMAPPED_FOUR || !stderr.endsWith(WAS_FOUR)) return result;
  return { ...result, exitCode: 4, stderr: stderr.slice(0, -1) };
}
