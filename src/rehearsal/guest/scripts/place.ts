import { unpackTar } from '../../../system/archives.ts';
import { GUEST_SCRIPT, SESSION_BYTES_PER_SECOND } from '../../durations.ts';
import { sizeOf } from '../../stand-in.ts';
import type { Instance, ProgramResult } from '../../world.ts';
import { consumeFault } from '../../fault-state.ts';
import { guestEntry, guestHas, guestPath, guestText, removeGuest } from '../files.ts';
import { failed, type ScriptCall, type ScriptModel } from './script.ts';

interface Placed {
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly path: string;
  readonly content: Uint8Array;
}

/** `data/guest/place.sh`: checks everything, then places the files that differ, then runs the script sent with them. */
export function placeModel(
  runScript: (text: string, call: ScriptCall) => Promise<ProgramResult | undefined>,
): ScriptModel {
  return async (call) => {
    const { instance, world } = call;
    const [mark = '', lab = '', ...args] = call.args;
    if (guestText(instance, mark)?.trim() !== lab) {
      return failed('istio-vms-place', 19, `this machine does not belong to the lab ${lab}`);
    }
    const arrived = await unpackTar(call.stdin).catch(() => undefined);
    if (arrived === undefined) return refuse('cannot unpack the files');
    const bytes = [...arrived.values()].reduce((sum, entry) => sum + sizeOf(entry.content), 0);
    await world.clock.sleep(GUEST_SCRIPT + (bytes / SESSION_BYTES_PER_SECOND) * 1000);
    if (consumeFault(world, 'guest-disk-full')) {
      return failed('istio-vms-place', 21, 'no space left on device: cannot unpack the files');
    }
    const manifest = arrived.get('manifest');
    if (manifest === undefined) return refuse('no manifest came along');

    const files: Placed[] = [];
    for (const line of Buffer.from(manifest.content).toString('utf8').split('\n').filter(Boolean)) {
      const [mode = '', owner = '', group = '', path = ''] = line.split('\t');
      const content = arrived.get(`files${path}`)?.content;
      if (!/^[0-7]{3,4}$/.test(mode)) return refuse(`not a mode: ${mode}`);
      if (/\/\.\.?(\/|$)|\/$|\/\//.test(path)) return refuse(`not a plain path: ${path}`);
      if (!path.startsWith('/')) return refuse(`not an absolute path: ${path}`);
      if (content === undefined) return refuse(`not in the archive: ${path}`);
      if (guestHas(instance, path) && guestEntry(instance, path) === undefined)
        return refuse(`a directory is in the way: ${path}`);
      if (!instance.users.has(owner)) return refuse(`no such user: ${owner}`);
      if (!instance.users.has(group)) return refuse(`no such group: ${group}`);
      files.push({ mode: Number.parseInt(mode, 8), owner, group, path, content });
    }

    const stage = openStage(call, files);
    CRASH_POINT: await world.crashPoints?.at(`place ${instance.name}: unpacked`, stage.lose);
    const changed = files.filter((file) => !isInPlace(call, file));
    for (const [index, { path, content, mode, owner, group }] of changed.entries()) {
      instance.files.set(guestPath(instance, path), { content, mode, owner, group });
      if (index + 1 < changed.length) {
        CRASH_POINT: await world.crashPoints?.at(
          `place ${instance.name}: ${index + 1} of ${changed.length} files`,
          stage.lose,
        );
      }
    }
    CRASH_POINT: await world.crashPoints?.at(`place ${instance.name}: all files, script not begun`, stage.lose);
    stage.close();
    const report = changed.map(({ path }) => `changed ${path}\n`).join('');
    const then = arrived.get('then.sh');
    if (then === undefined) return { exitCode: 0, stdout: report };
    const text = Buffer.from(then.content).toString('utf8');
    const paths = changed.map(({ path }) => path);
    const result = await runScript(text, { ...call, args, stdin: new Uint8Array(), changed: paths });
    if (result === undefined)
      return { exitCode: 127, stdout: report, stderr: 'then.sh: not found\n', refused: 'a script that is not shipped' };
    return { ...result, stdout: `${report}--\n${Buffer.from((result.stdout ?? '') as Uint8Array).toString('utf8')}` };
  };
}

interface Stage {
  /** Its process is gone, so the next call removes the stage. */
  readonly lose: () => void;
  readonly close: () => void;
}

/** Stages whose process is running; any other stage is a leftover. */
const live = new WeakMap<Instance, Set<string>>();
const STAGE = '/var/lib/.istio-vms-stage.';

/** Opens the directory in which files wait for their final name. Leftovers of an interrupted call are removed first. */
function openStage({ instance, world }: ScriptCall, files: readonly Placed[]): Stage {
  const mine = live.get(instance) ?? new Set<string>();
  live.set(instance, mine);
  for (const path of [...instance.files.keys()]) {
    const stage = path.startsWith(STAGE) ? path.slice(0, path.indexOf('/', STAGE.length)) : undefined;
    if (stage !== undefined && !mine.has(stage)) instance.files.delete(path);
  }
  const stage = `${STAGE}${world.token(3)}`;
  mine.add(stage);
  for (const { path, content } of files) {
    instance.files.set(`${stage}/files${path}`, { content, mode: 0o600, owner: 'root', group: 'root' });
  }
  return {
    lose: () => void mine.delete(stage),
    close: () => {
      mine.delete(stage);
      removeGuest(instance, stage);
    },
  };
}

function isInPlace({ instance }: ScriptCall, { path, content, mode, owner, group }: Placed): boolean {
  const entry = guestEntry(instance, path);
  if (entry === undefined) return false;
  const same = Buffer.compare(Buffer.from(entry.content as Uint8Array), content) === 0;
  return same && entry.mode === mode && entry.owner === owner && entry.group === group;
}

function refuse(text: string): ProgramResult {
  return failed('istio-vms-place', 1, text);
}
