/** Signals that ask us to end. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof END_SIGNALS)[number];

/**
 * A signal so soon after another (milliseconds) is the same wish. Nobody who has read that a second one leaves at once is
 * that fast, and npm may need a while to hand one on where the computer is busy.
 */
export const ECHO_MS = 500;

/**
 * Tells wishes to end from their echoes. One Ctrl-C under npx arrives twice, from the terminal and handed on by npm; a
 * terminal that is closed may say so several times, by its shell and by the system. Taken for impatience, that would cut
 * what must not be cut.
 * @param now milliseconds, on any scale that only grows
 */
export function ignoreEchoes(act: () => void, now: () => number): (signal: EndSignal) => void {
  let last: number | undefined;
  return (signal) => {
    const at = now();
    if (last !== undefined && (signal === 'SIGHUP' || at - last < ECHO_MS)) return;
    last = at;
    act();
  };
}
