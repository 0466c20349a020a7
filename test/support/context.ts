import type { Context } from '../../src/system/system.ts';

/** A context without interrupts, whose progress messages are discarded. */
export const quiet: Context = { signal: new AbortController().signal, say: () => undefined };
