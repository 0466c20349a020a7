import { createHash } from 'node:crypto';
import type { GuestFile } from '../machines/machine.ts';
import type { GuestState } from './state.ts';

/**
 * SHA-256 of a file's content in lower-case hex; undefined for a host file, whose digest comes from the Files
 * interface.
 */
export function digestOf(file: GuestFile): string | undefined {
  if (typeof file.content !== 'string' && !(file.content instanceof Uint8Array)) return undefined;
  return createHash('sha256').update(file.content).digest('hex');
}

/**
 * Paths whose content, mode or owner on the machine differ from what is wanted. `digests` adds what `digestOf` cannot
 * compute (path → SHA-256); a file without a digest is compared by mode and owner only.
 */
export function driftOf(
  files: readonly GuestFile[],
  state: Pick<GuestState, 'files'>,
  digests: Readonly<Record<string, string>> = {},
): readonly string[] {
  return files
    .filter((file) => {
      const there = state.files.get(file.path);
      if (!there) return true;
      const wanted = digests[file.path] ?? digestOf(file) ?? there.sha256;
      return (
        there.sha256 !== wanted ||
        there.mode !== file.mode ||
        there.owner !== (file.owner ?? 'root') ||
        there.group !== (file.group ?? 'root')
      );
    })
    .map((file) => file.path);
}
