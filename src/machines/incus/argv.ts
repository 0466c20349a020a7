import type { Command } from '../../system/system.ts';
import { restartHint, type IncusPlace } from './host.ts';
import type { IncusLaunch } from './launch-settings.ts';

/** The image may have to be downloaded first, on each member of a cluster. */
const LAUNCH_MS = 1_800_000;
const START_MS = 300_000;
/** In a cluster without a leader, Incus may never answer (docs/facts/incus.md 10.1). */
const ANSWER_MS = 60_000;
const DELETE_MS = 330_000;
/** Incus gives a guest ten minutes to shut down (docs/facts/incus.md 5.1). */
const STOP_MS = 660_000;

/** Timeout for a command on a machine that does not set one. */
const GUEST_READ_MS = 60_000;
const GUEST_WRITE_MS = 600_000;
/** `timeout` on the machine is the fallback for a client that was killed; our own deadline comes first. */
const GUEST_MARGIN_S = 30;

/** No progress on stdout, no translated messages, and stdin is never left open (docs/facts/incus.md 0.1, 0.2). */
function incus(place: IncusPlace, effect: Command['effect'], timeoutMs: number, ...args: string[]): Command {
  const project = place.project === undefined ? [] : ['--project', place.project];
  const [verb = '', ...rest] = args;
  return {
    file: 'incus',
    args: [verb, '--quiet', ...project, ...rest],
    effect,
    origin: 'engine',
    timeoutMs,
    env: { LC_ALL: 'C.UTF-8' },
  };
}

const at = (place: IncusPlace, rest: string): string => (place.remote === undefined ? rest : `${place.remote}:${rest}`);

/**
 * Lists all instances; we filter them, because a filter of Incus omits instances on a member that is down
 * (docs/facts/incus.md 0.11).
 */
export const listCommand = (place: IncusPlace): Command =>
  incus(
    place,
    'read',
    ANSWER_MS,
    'list',
    ...(place.remote === undefined ? [] : [`${place.remote}:`]),
    '--format',
    'json',
  );

/**
 * One API response, e.g. of `/1.0/profiles/default`. The project is part of the URL, because `query` has no flag for
 * it.
 */
export function queryCommand(place: IncusPlace, path: string): Command {
  const project = place.project === undefined ? '' : `?project=${encodeURIComponent(place.project)}`;
  const remote = place.remote === undefined ? {} : { remote: place.remote };
  return incus(remote, 'read', ANSWER_MS, 'query', at(place, `${path}${project}`));
}

/** A user's own aliases of the client take precedence over its built-in commands (docs/facts/incus.md 0.12). */
export const aliasesCommand = (): Command => incus({}, 'read', ANSWER_MS, 'alias', 'list', '--format', 'json');

/** Commands that we use: an alias with the same name would replace one of them. */
export const COMMANDS_IN_USE: readonly string[] = [
  'list',
  'query',
  'launch',
  'start',
  'stop',
  'config',
  'delete',
  'exec',
];

/** Settings and user data are passed on standard input: no size limit, and nothing on a command line. */
export function launchCommand(place: IncusPlace, name: string, launch: IncusLaunch): Command {
  const flags = [
    ...(launch.type === 'virtual-machine' ? ['--vm'] : []),
    ...(launch.target === undefined ? [] : ['--target', launch.target]),
  ];
  // An image without a remote is looked up on the server where the machine is created.
  const image = launch.image.includes(':') ? launch.image : at(place, launch.image);
  return {
    ...incus(place, 'write', LAUNCH_MS, 'launch', image, at(place, name), ...flags),
    stdin: JSON.stringify({ config: launch.config, devices: launch.devices }),
  };
}

export const startCommand = (place: IncusPlace, name: string): Command =>
  incus(place, 'write', START_MS, 'start', at(place, name));

export const stopCommand = (place: IncusPlace, name: string): Command =>
  incus(place, 'write', STOP_MS, 'stop', at(place, name));

/** Removes one setting from an instance. */
export const unsetCommand = (place: IncusPlace, name: string, key: string): Command =>
  incus(place, 'write', ANSWER_MS, 'config', 'unset', at(place, name), key);

/** One name per call: with several names, the behavior differs by version (docs/facts/incus.md 5.2). */
export const removeCommand = (place: IncusPlace, name: string): Command =>
  incus(place, 'write', DELETE_MS, 'delete', '--force', at(place, name));

/**
 * Runs the given command on the machine, as the user `ubuntu` (as root if the image has no such user; root may `sudo`
 * as well).
 *
 * The first byte on stderr shows that the command started. Without it, the failure is one of Incus, which has no exit
 * code of its own (docs/facts/incus.md 2.2). The last byte on stdout and on stderr shows that the output is complete: a
 * busy Incus loses what is written just before the exit (`session.ts`), so the exit is delayed a little (with 20 ms two
 * of 1,500 were lost, with 50 ms none). `timeout` kills the whole process group when the client is killed, which Incus
 * alone does not do (2.3); it runs as root, so that it can also kill what `sudo` started.
 */
const SHIM = String.raw`printf '\036' >&2
limit=$1
shift
set -- sh -c 'env -- "$@"; rc=$?; printf "\036"; printf "\036" >&2; sleep 0.1; exit $rc' sh "$@"
cd ~ubuntu 2>/dev/null || cd /
id -u ubuntu >/dev/null 2>&1 || exec timeout -k 2 "$limit" "$@"
exec timeout -k 2 "$limit" setpriv --reuid=ubuntu --regid="$(id -g ubuntu)" --init-groups --inh-caps=-all env HOME="$PWD" USER=ubuntu LOGNAME=ubuntu "$@"`;

/**
 * The command on the host that runs `command` on the machine. Its `env` becomes arguments of env(1), so it must not
 * contain secrets.
 */
export function execCommand(place: IncusPlace, name: string, command: Command): Command {
  const { env, ...rest } = command;
  const timeoutMs = command.timeoutMs ?? (command.effect === 'read' ? GUEST_READ_MS : GUEST_WRITE_MS);
  const limit = String(Math.ceil(timeoutMs / 1000) + GUEST_MARGIN_S);
  const assignments = Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`);
  const inner = [...(assignments.length > 0 ? ['env', ...assignments] : []), command.file, ...command.args];
  const outer = incus(place, command.effect, timeoutMs, 'exec', at(place, name), '--mode', 'non-interactive', '--');
  const args = [...outer.args, 'sh', '-c', SHIM, 'sh', limit, ...inner];
  return {
    ...rest,
    ...outer,
    origin: 'guest',
    args,
    onMachine: { name, argv: inner, restartHint: restartHint(place, name) },
  };
}
