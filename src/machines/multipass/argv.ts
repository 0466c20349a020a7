import { stringify } from 'yaml';
import type { Command, CommandResult } from '../../system/system.ts';
import type { MachineSpec } from '../machine.ts';
import { restartHint } from './host.ts';

/** Seconds that Multipass itself may take, in each phase of a launch and for a start (docs/facts/multipass.md 3.3). */
const LAUNCH_S = 900;
const START_S = 300;
/** A guest that does not end by itself is given five minutes. */
const STOP_MS = 330_000;
/** Our own wall clock is a little longer than the tool's, so that the tool's own words are heard first (rule 10). */
const MARGIN_MS = 60_000;
/** The daemon answers one request at a time, and a `stop` elsewhere may hold it for five minutes. */
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

/** cloud-init goes by standard input: the snap cannot read most host paths (rule 9). */
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

/** In good order; one that is stopped already is fine (docs/facts/multipass.md 3.2). */
export const stopCommand = (name: string): Command => multipass('write', STOP_MS, 'stop', name);

/** Exactly this one; never `multipass purge`, which erases what others have deleted. */
export const removeCommand = (name: string): Command => multipass('write', ANSWER_MS, 'delete', '--purge', name);

/**
 * Runs on the machine what is given.
 *
 * The first byte on stdout says that it began: before it stands the client's spinner, and without it the failure is
 * Multipass' own, which has the same exit codes as many a command. It never ends with 4: up to Multipass 1.16.3 the client
 * takes a 4 for its own «again» and runs the command for ever (docs/facts/multipass.md 1.2, #3771); a 4 is 104 and a
 * last byte on stderr, for a command may well end with 104 itself. `timeout` ends what a client left behind that is
 * gone; what `sudo` began only root may end.
 */
export const SHIM = [
  String.raw`printf '\036'; l=$1; shift;`,
  'case $1 in sudo) shift; set -- sudo timeout -k 2 "$l" "$@" ;; *) set -- timeout -k 2 "$l" "$@" ;; esac;',
  String.raw`"$@"; rc=$?; [ $rc -ne 4 ] || { printf '\037' >&2; rc=104; }; exit $rc`,
].join(' ');
const REMAPPED_FOUR = 104;
const WAS_FOUR = '\u001f';
/** The machine begins to count after us, so our own clock strikes first. */
const GUEST_MARGIN_S = 5;

/** Time for a command on a machine that names none itself. */
const GUEST_READ_MS = 60_000;
const GUEST_WRITE_MS = 600_000;

/** The host's command that runs `command` on the machine. Its `env` becomes arguments of env(1): no place for secrets. */
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

/** The result as the command on the machine gave it. */
export function withFour(result: CommandResult): CommandResult {
  const { exitCode, stderr } = result;
  if (exitCode !== REMAPPED_FOUR || !stderr.endsWith(WAS_FOUR)) return result;
  return { ...result, exitCode: 4, stderr: stderr.slice(0, -1) };
}
