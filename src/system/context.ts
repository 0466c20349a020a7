import type { Context } from './system.ts';

/** The same context for a cleanup: it is started also after an interrupt, which does not end it. */
export function cleanupContext(context: Context): Context {
  return { ...context, signal: new AbortController().signal };
}

/** A context for what nobody is told about. */
export function silentContext(signal: AbortSignal): Context {
  return { signal, say: () => undefined };
}
