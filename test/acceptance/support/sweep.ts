import { spawnSync } from 'node:child_process';
import { LABELS, LAB_PREFIX, PROJECT } from './names.ts';

/** A whole run takes minutes; what is older was left by one that was killed. */
const STALE_MS = 2 * 3_600_000;

interface Shown {
  readonly name: string;
  readonly created_at: string;
  readonly config: Readonly<Record<string, string>> | null;
}

/** Removes what killed runs of these tests have left: in our project, with a lab's name as only these tests give, and old. */
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
