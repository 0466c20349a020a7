import type { Context } from './system.ts';

/** The context for a cleanup: it starts even after an interrupt, and the interrupt does not end it. */
export function cleanupContext(context: Context): Context {
  return { ...context, signal: new AbortController().signal };
}

/** A context that reports no progress. */
export function silentContext(signal: AbortSignal): Context {
  return { signal, say: () => undefined };
}
