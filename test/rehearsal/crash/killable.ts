import { dirname, basename, join } from 'node:path/posix';
import type { Rehearsal } from '../../../src/rehearsal/index.ts';
import type { Command, System } from '../../../src/system/system.ts';
import { temporaryName } from '../../../src/system/temporary.ts';

/** What happens to the children of a killed program: they continue, or they are killed with it. */
export type Children = 'go-on' | 'end';

/** Where a run is killed. */
export interface KillPoint {
  /** Index in `killPoints` of a run that is not killed. */
  readonly at: number;
  readonly children: Children;
}

/** The system interfaces of one run, which can be killed at any kill point. */
export interface KillableRun {
  readonly system: System;
  /** Names of all kill points so far: before, during and after each effect. */
  readonly killPoints: readonly string[];
  readonly isDead: () => boolean;
  /** Resolves with the name of the kill point when the run is killed. */
  readonly died: Promise<string>;
  /** Kills the run now. */
  readonly kill: (children: Children) => void;
}

/** A process id that no process has. */
const UNUSED_PID = 4_194_304;

const never = (): Promise<never> => new Promise(() => undefined);

/**
 * Wraps the system interfaces so that they number every effect and kill the run at the chosen one. After that none of their
 * promises settles, so that no `catch` and no `finally` of the program runs.
 */
export function killable(rehearsal: Rehearsal, chosen?: KillPoint): KillableRun {
  const { world, files: disk } = rehearsal;
  const inner = rehearsal.system;
  const killPoints: string[] = [];
  let dead = false;
  let resolveDied: (killPoint: string) => void = () => undefined;
  const died = new Promise<string>((resolve) => (resolveDied = resolve));

  /** Released when the run is killed, even if its children continue. */
  const heldLocks = new Set<string>();
  /** The commands of this run only. */
  const started = new Set<Command>();
  const isDead = (): boolean => dead;
  const kill = (children: Children, name = 'killed'): void => {
    if (dead) return;
    dead = true;
    world.crashPoints = undefined;
    for (const path of heldLocks) disk.locks.delete(path);
    if (children === 'end') rehearsal.killAll(started);
    resolveDied(name);
  };
  const isNow = (name: string): boolean => {
    const index = killPoints.push(name) - 1;
    return index === chosen?.at;
  };
  const killPoint = async (name: string, half?: () => Promise<void>): Promise<void> => {
    if (dead) return never();
    if (!isNow(name)) return undefined;
    await half?.();
    kill(chosen?.children ?? 'end', name);
    return never();
  };
  const endsAt = async (place: string): Promise<boolean> => {
    if (dead || !isNow(`during  ${place}`)) return false;
    kill(chosen?.children ?? 'end', place);
    return chosen?.children === 'end';
  };
  world.crashPoints = {
    endsAt,
    at: async (place, atEnd) => {
      if (!(await endsAt(place))) return;
      atEnd?.();
      await new Promise(() => undefined);
    },
  };

  /** Wraps an effect with kill points before, after and, with `half`, during it. */
  const effect = async <T>(name: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> => {
    await killPoint(`before  ${name}`);
    if (half !== undefined) await killPoint(`during  ${name}`, half);
    const result = await settled(work);
    await killPoint(`after   ${name}`);
    if ('thrown' in result) throw result.thrown;
    return result.value;
  };
  const unlessDead = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return never();
    const result = await settled(work);
    if (isDead()) return never();
    if ('thrown' in result) throw result.thrown;
    return result.value;
  };
  /** Writes the first half to a temporary file, as the real interface leaves it when it is killed. */
  const halfWritten =
    (path: string, content: string | Uint8Array, mode: number, ending: 'tmp' | 'part') => async (): Promise<void> => {
      const bytes = Buffer.from(content as Uint8Array);
      const half = join(dirname(path), temporaryName(basename(path), UNUSED_PID, 'abcdef012345', ending));
      await disk.write(half, bytes.subarray(0, bytes.length / 2), mode);
    };

  const { processes, files, downloads, clock } = inner;
  const system: System = {
    processes: {
      run: (command, signal) => {
        started.add(command);
        return command.effect === 'write'
          ? effect(shown(command), () => processes.run(command, signal))
          : unlessDead(() => processes.run(command, signal));
      },
    },
    clock: { now: () => clock.now(), sleep: (ms, signal) => unlessDead(() => clock.sleep(ms, signal)) },
    downloads: {
      fetch: (request) =>
        effect(
          `download ${request.to}`,
          () => downloads.fetch(request),
          halfWritten(request.to, 'half of a download', request.mode ?? 0o644, 'part'),
        ),
      text: (url, signal) => unlessDead(() => downloads.text(url, signal)),
    },
    files: {
      ...files,
      read: (path) => unlessDead(() => files.read(path)),
      readText: (path) => unlessDead(() => files.readText(path)),
      stat: (path) => unlessDead(() => files.stat(path)),
      list: (path) => unlessDead(() => files.list(path)),
      sha256: (path) => unlessDead(() => files.sha256(path)),
      // Only the log is appended to, and nothing depends on it.
      append: (path, content) => unlessDead(() => files.append(path, content)),
      write: (path, content, mode = 0o644) =>
        effect(`write ${path}`, () => files.write(path, content, mode), halfWritten(path, content, mode, 'tmp')),
      makeDirectory: (path, mode) => effect(`mkdir ${path}`, () => files.makeDirectory(path, mode)),
      chmod: (path, mode) => effect(`chmod ${path}`, () => files.chmod(path, mode)),
      link: (path, target) =>
        effect(
          `link ${path}`,
          () => files.link(path, target),
          () =>
            disk.link(join(dirname(path), temporaryName(basename(path), UNUSED_PID, 'abcdef012345', 'tmp')), target),
        ),
      rename: (from, to) => effect(`rename ${to}`, () => files.rename(from, to)),
      remove: (path) =>
        effect(
          `remove ${path}`,
          () => files.remove(path),
          async () => {
            const [first] = await disk.list(path);
            if (first !== undefined) await disk.remove(join(path, first));
          },
        ),
      lock: async (path, holder) => {
        const answer = await effect(`lock ${path}`, async () => {
          const given = await files.lock(path, holder);
          if ('release' in given) heldLocks.add(path);
          return given;
        });
        if (!('release' in answer)) return answer;
        return { release: () => effect(`unlock ${path}`, answer.release).then(() => void heldLocks.delete(path)) };
      },
      extract: (archive, into, members) =>
        effect(
          `extract ${into}`,
          () => files.extract(archive, into, members),
          async () => {
            for (const { as, mode } of members) await halfWritten(join(into, as), 'half of it', mode, 'part')();
          },
        ),
      members: (archive) => unlessDead(() => files.members(archive)),
      pack: (archive, members) =>
        effect(
          `pack ${archive}`,
          () => files.pack(archive, members),
          halfWritten(archive, 'half of it', 0o644, 'part'),
        ),
    },
  };
  return { system, killPoints, isDead, died, kill };
}

async function settled<T>(work: () => Promise<T>): Promise<{ value: T } | { thrown: unknown }> {
  try {
    return { value: await work() };
  } catch (thrown) {
    return { thrown };
  }
}

function shown({ file, args }: Command): string {
  const words = args.filter((arg) => arg.length < 60 && !arg.includes('\n'));
  return [basename(file), ...words].join(' ');
}
