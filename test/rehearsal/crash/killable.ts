import { dirname, basename, join } from 'node:path/posix';
import type { Rehearsal } from '../../../src/rehearsal/index.ts';
import type { Command, System } from '../../../src/system/system.ts';
import { temporaryName } from '../../../src/system/temporary.ts';

/** What becomes of the children of a program that dies: they go on, or they end with it where they are. */
export type Children = 'go-on' | 'end';

/** Where a life ends. */
export interface KillPoint {
  /** Number of the moment, as `moments` of an undisturbed life counts them. */
  readonly at: number;
  readonly children: Children;
}

/** The system interfaces of one life, which may end at any moment. */
export interface KillableRun {
  readonly system: System;
  /** Every moment so far: before and after each effect, and each half-way point of what it does. */
  readonly moments: readonly string[];
  readonly isDead: () => boolean;
  /** Resolves when the life ends before its time, with the moment's name. */
  readonly died: Promise<string>;
  /** Ends the life now. */
  readonly kill: (children: Children) => void;
}

/** A process id that is nobody's. */
const NO_OWNER = 4_194_304;

const never = (): Promise<never> => new Promise(() => undefined);

/**
 * Doors that number every effect, and end the life of whoever uses them at the chosen one. Dead is dead: no promise of
 * theirs settles any more, so no `catch` and no `finally` of the program runs.
 */
export function killable(rehearsal: Rehearsal, death?: KillPoint): KillableRun {
  const { world, files: disk } = rehearsal;
  const inner = rehearsal.system;
  const moments: string[] = [];
  let dead = false;
  let tell: (moment: string) => void = () => undefined;
  const died = new Promise<string>((resolve) => (tell = resolve));

  /** Locks end with the life that holds them, whatever becomes of its children. */
  const held = new Set<string>();
  /** What this life has started, and nobody else's. */
  const started = new Set<Command>();
  const isDead = (): boolean => dead;
  const kill = (children: Children, moment = 'killed'): void => {
    if (dead) return;
    dead = true;
    world.crashPoints = undefined;
    for (const path of held) disk.locks.delete(path);
    if (children === 'end') rehearsal.killAll(started);
    tell(moment);
  };
  const isNow = (moment: string): boolean => {
    const index = moments.push(moment) - 1;
    return index === death?.at;
  };
  const moment = async (text: string, half?: () => Promise<void>): Promise<void> => {
    if (dead) return never();
    if (!isNow(text)) return undefined;
    await half?.();
    kill(death?.children ?? 'end', text);
    return never();
  };
  const endsAt = async (place: string): Promise<boolean> => {
    if (dead || !isNow(`during  ${place}`)) return false;
    kill(death?.children ?? 'end', place);
    return death?.children === 'end';
  };
  world.crashPoints = {
    endsAt,
    at: async (place, atEnd) => {
      if (!(await endsAt(place))) return;
      atEnd?.();
      await new Promise(() => undefined);
    },
  };

  /** One effect: before, perhaps in its middle, after. */
  const effect = async <T>(name: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> => {
    await moment(`before  ${name}`);
    if (half !== undefined) await moment(`during  ${name}`, half);
    const result = await settled(work);
    await moment(`after   ${name}`);
    if ('thrown' in result) throw result.thrown;
    return result.value;
  };
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return never();
    const result = await settled(work);
    if (isDead()) return never();
    if ('thrown' in result) throw result.thrown;
    return result.value;
  };
  /** Half of it in a temporary file, as the real interface would leave it. */
  const halfWritten =
    (path: string, content: string | Uint8Array, mode: number, ending: 'tmp' | 'part') => async (): Promise<void> => {
      const bytes = Buffer.from(content as Uint8Array);
      const half = join(dirname(path), temporaryName(basename(path), NO_OWNER, 'abcdef012345', ending));
      await disk.write(half, bytes.subarray(0, bytes.length / 2), mode);
    };

  const { processes, files, downloads, clock } = inner;
  const system: System = {
    processes: {
      run: (command, signal) => {
        started.add(command);
        return command.effect === 'write'
          ? effect(shown(command), () => processes.run(command, signal))
          : alive(() => processes.run(command, signal));
      },
    },
    clock: { now: () => clock.now(), sleep: (ms, signal) => alive(() => clock.sleep(ms, signal)) },
    downloads: {
      fetch: (request) =>
        effect(
          `download ${request.to}`,
          () => downloads.fetch(request),
          halfWritten(request.to, 'half of a download', request.mode ?? 0o644, 'part'),
        ),
      text: (url, signal) => alive(() => downloads.text(url, signal)),
    },
    files: {
      ...files,
      read: (path) => alive(() => files.read(path)),
      readText: (path) => alive(() => files.readText(path)),
      stat: (path) => alive(() => files.stat(path)),
      list: (path) => alive(() => files.list(path)),
      sha256: (path) => alive(() => files.sha256(path)),
      // The log: no effect that anything depends on.
      append: (path, content) => alive(() => files.append(path, content)),
      write: (path, content, mode = 0o644) =>
        effect(`write ${path}`, () => files.write(path, content, mode), halfWritten(path, content, mode, 'tmp')),
      makeDirectory: (path, mode) => effect(`mkdir ${path}`, () => files.makeDirectory(path, mode)),
      chmod: (path, mode) => effect(`chmod ${path}`, () => files.chmod(path, mode)),
      link: (path, target) =>
        effect(
          `link ${path}`,
          () => files.link(path, target),
          () => disk.link(join(dirname(path), temporaryName(basename(path), NO_OWNER, 'abcdef012345', 'tmp')), target),
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
          if ('release' in given) held.add(path);
          return given;
        });
        if (!('release' in answer)) return answer;
        return { release: () => effect(`unlock ${path}`, answer.release).then(() => void held.delete(path)) };
      },
      extract: (archive, into, members) =>
        effect(
          `extract ${into}`,
          () => files.extract(archive, into, members),
          async () => {
            for (const { as, mode } of members) await halfWritten(join(into, as), 'half of it', mode, 'part')();
          },
        ),
      members: (archive) => alive(() => files.members(archive)),
      pack: (archive, members) =>
        effect(
          `pack ${archive}`,
          () => files.pack(archive, members),
          halfWritten(archive, 'half of it', 0o644, 'part'),
        ),
    },
  };
  return { system, moments, isDead, died, kill };
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
