/** Signals that ask the process to end. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof END_SIGNALS)[number];

/**
 * A signal within this time after another (milliseconds) counts as the same one. A user who decides to press Ctrl-C
 * again is not that fast, and npm may take a while to forward a signal on a busy computer.
 */
export const ECHO_MS = 500;

/**
 * Filters out repeated signals. Under npx one Ctrl-C arrives twice, from the terminal and forwarded by npm; a closed
 * terminal may send several signals, from its shell and from the system. Counted as a second interrupt, they would end
 * commands that must not be cut off.
 * @param now milliseconds, on any monotonic clock
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
