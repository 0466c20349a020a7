import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VersionTable } from '../config/config.ts';

/**
 * Read-only inputs that ship with the tool (`data/`). They are part of the program, so they are read without the system
 * interfaces.
 */
export interface ShippedData {
  readonly versions: VersionTable;
  /** `data/guest`: file name → text. */
  readonly guest: Readonly<Record<string, string>>;
  /** `data/sample`: file name → text. */
  readonly sample: Readonly<Record<string, string>>;
}

/** The root directory of the package: above both `src/system` and `dist/system`. */
const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Reads `data/` of this package. */
export async function loadShippedData(root = packageRoot): Promise<ShippedData> {
  const [versions, guest, sample] = await Promise.all([
    readFile(join(root, 'data', 'versions.json'), 'utf8'),
    readTexts(join(root, 'data', 'guest')),
    readTexts(join(root, 'data', 'sample')),
  ]);
  return { versions: JSON.parse(versions) as VersionTable, guest, sample };
}

/** Text of each script of `data/guest` → its path on this computer, so that a listing can name it. */
export function scriptPaths({ guest }: ShippedData): ReadonlyMap<string, string> {
  return new Map(Object.entries(guest).map(([name, text]) => [text, join(packageRoot, 'data', 'guest', name)]));
}

async function readTexts(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory);
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}
