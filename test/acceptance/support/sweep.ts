import { spawnSync } from 'node:child_process';
import { LABELS, LAB_PREFIX, PROJECT } from './names.ts';

/** A run takes minutes, so older machines were left behind by a killed run. */
const STALE_MS = 2 * 3_600_000;

interface Shown {
  readonly name: string;
  readonly created_at: string;
  readonly config: Readonly<Record<string, string>> | null;
}

/** Removes machines that killed runs left behind: old machines in our project whose label names a lab of these tests. */
export function sweep(): void {
  const { stdout } = incus('list', '--format', 'json');
  const old = (JSON.parse(stdout) as readonly Shown[]).filter(
    ({ config, created_at: created }) =>
      LABELS.some((label) => config?.[label]?.startsWith(LAB_PREFIX)) && Date.now() - Date.parse(created) > STALE_MS,
  );
  for (const { name } of old) incus('delete', '--force', name);
}

function incus(verb: string, ...args: string[]): { readonly stdout: string } {
  return spawnSync('incus', [verb, '--quiet', '--project', PROJECT, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    timeout: 120_000,
  });
}
