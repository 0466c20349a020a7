import type { Context } from '../../src/system/system.ts';

/** For calls that no interrupt ends and whose progress nobody hears. */
export const quiet: Context = { signal: new AbortController().signal, say: () => undefined };
