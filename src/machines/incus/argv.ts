import type { Command } from '../../system/system.ts';
import { restartHint, type IncusPlace } from './host.ts';
import type { IncusLaunch } from './launch-settings.ts';

/** An image may have to be fetched first, on each member of a cluster. */
const LAUNCH_MS = 1_800_000;
const START_MS = 300_000;
/** In a cluster without its leader an answer may never come (docs/facts/incus.md 10.1). */
const ANSWER_MS = 60_000;
const DELETE_MS = 330_000;
/** Incus gives a guest ten minutes to end by itself (docs/facts/incus.md 5.1). */
const STOP_MS = 660_000;

/** Time for a command on a machine that names none itself. */
const GUEST_READ_MS = 60_000;
const GUEST_WRITE_MS = 600_000;
/** The machine's own clock is a safety net for a client that is gone; ours strikes first. */
const GUEST_MARGIN_S = 30;

/** No progress on stdout, no translated messages, and never an open stdin (docs/facts/incus.md 0.1, 0.2). */
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
 * Everything, filtered by us: a filter of Incus loses what lies on a member that is down (docs/facts/incus.md 0.11).
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

/** One answer of the API, e.g. `/1.0/profiles/default`. The project travels in the address: `query` knows no flag for it. */
export function queryCommand(place: IncusPlace, path: string): Command {
  const project = place.project === undefined ? '' : `?project=${encodeURIComponent(place.project)}`;
  const remote = place.remote === undefined ? {} : { remote: place.remote };
  return incus(remote, 'read', ANSWER_MS, 'query', at(place, `${path}${project}`));
}

/** The user's own aliases of the client go before its built-in commands (docs/facts/incus.md 0.12). */
export const aliasesCommand = (): Command => incus({}, 'read', ANSWER_MS, 'alias', 'list', '--format', 'json');

/** Commands that we use: an alias of one of them would be run in its place. */
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

/** Settings and user data go by standard input: no size limit, nothing on a command line. */
export function launchCommand(place: IncusPlace, name: string, launch: IncusLaunch): Command {
  const flags = [
    ...(launch.type === 'virtual-machine' ? ['--vm'] : []),
    ...(launch.target === undefined ? [] : ['--target', launch.target]),
  ];
  // An image without a remote of its own lies where the machine will be.
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

/** Takes one setting off an instance. */
export const unsetCommand = (place: IncusPlace, name: string, key: string): Command =>
  incus(place, 'write', ANSWER_MS, 'config', 'unset', at(place, name), key);

/** One name for each call: with several, what happens differs by version (docs/facts/incus.md 5.2). */
export const removeCommand = (place: IncusPlace, name: string): Command =>
  incus(place, 'write', DELETE_MS, 'delete', '--force', at(place, name));

/**
 * Runs on the machine what is given, as the user `ubuntu` (root where an image has none, who may `sudo` as well).
 *
 * The first byte on stderr says that it began: without it, the failure is that of Incus, which has no exit code of its
 * own (docs/facts/incus.md 2.2). The last byte on stdout and on stderr says that all of it came: a busy Incus loses
 * what is written just before the end (`session.ts`), so the end is put off for a moment (with 20 ms two of 1,500
 * were lost, with 50 ms none). `timeout` ends the whole process group when the client is ended, which Incus alone does
 * not (2.3); it runs as root, so that it may end what `sudo` has begun.
 */
const SHIM = String.raw`printf '\036' >&2
limit=$1
shift
set -- sh -c 'env -- "$@"; rc=$?; printf "\036"; printf "\036" >&2; sleep 0.1; exit $rc' sh "$@"
cd ~ubuntu 2>/dev/null || cd /
id -u ubuntu >/dev/null 2>&1 || exec timeout -k 2 "$limit" "$@"
exec timeout -k 2 "$limit" setpriv --reuid=ubuntu --regid="$(id -g ubuntu)" --init-groups --inh-caps=-all env HOME="$PWD" USER=ubuntu LOGNAME=ubuntu "$@"`;

/** The host's command that runs `command` on the machine. Its `env` becomes arguments of env(1): no place for secrets. */
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
