import type { EnginePace } from '../../world.ts';

/** How long things take with a simulated Incus, in milliseconds; see `../../durations.ts`. */
const second = 1_000;

/** A system container (docs/facts/incus.md 1.4 and 1.5). */
export const CONTAINER_PACE: EnginePace = {
  boot: 0.3 * second,
  address: 1.5 * second,
  cloudInit: 3 * second,
  shutdown: 1 * second,
};

/** A read-only call of the Incus client (docs/facts/incus.md 1.5). */
export const INCUS_CALL = 0.03 * second;
/** One `incus exec`: 0.05 s, plus the delay that its wrapper adds at its end (src/machines/incus/argv.ts). */
export const INCUS_EXEC = 0.15 * second;
/** Unpacking an image on a `dir` pool; with the start a launch of 1.2-4 s (docs/facts/incus.md 1.5). */
export const INCUS_CREATE = 1.5 * second;
/** `delete`: 1-3 s (docs/facts/incus.md 1.5). */
export const INCUS_DELETE = 2 * second;
/** First fetch of an image of `images:`, about 130 MB. Estimate: an ordinary connection. */
export const INCUS_IMAGE_DOWNLOAD = 40 * second;
