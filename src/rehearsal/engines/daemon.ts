import { isFaultOn } from '../fault-state.ts';
import type { World } from '../world.ts';

/** One run of the daemon; the requests in progress end with it. */
interface DaemonLife {
  readonly lost: Promise<void>;
  readonly end: () => void;
}

const lives = new WeakMap<World, DaemonLife>();

function lifeOf(world: World): DaemonLife {
  const known = lives.get(world);
  if (known !== undefined) return known;
  let end = (): void => undefined;
  const lost = new Promise<void>((resolve) => (end = resolve));
  const life = { lost, end };
  lives.set(world, life);
  return life;
}

/** Whether the daemon does not answer now. */
export function isDaemonAway(world: World): boolean {
  if (world.engine.daemonUp) return false;
  isFaultOn(world, 'daemon-down');
  return true;
}

/** Identifies the running daemon; a new one knows nothing of what this one was preparing. */
export function daemonLife(world: World): object {
  return lifeOf(world);
}

/** Resolves when the running daemon is gone. */
export function daemonLost(world: World): Promise<void> {
  return lifeOf(world).lost;
}

/**
 * The daemon is away for this many milliseconds. Names that it was preparing are forgotten; existing machines keep
 * running (docs/facts/multipass.md 7 no. 9; what happens to requests in progress is an inference).
 */
export function restartDaemon(world: World, awayMs: number): void {
  const { engine, clock } = world;
  const life = lifeOf(world);
  engine.daemonUp = false;
  engine.preparing.clear();
  lives.delete(world);
  life.end();
  clock.after(awayMs, () => void (engine.daemonUp = true));
}
