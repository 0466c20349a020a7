import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser, or why there is none. */
    chromium: { readonly path: string } | { readonly missing: string };
  }
}

const INSTALL = fileURLToPath(new URL('./install-chromium.sh', import.meta.url));
/** Exit code of install-chromium.sh if the browser cannot be installed on this computer. */
const NOT_HERE = 77;

/** Finds or installs the browser before the first test; prints the reason if there is none. */
export function setup(project: TestProject): void {
  const { status, stdout, stderr } = spawnSync('bash', [INSTALL], { encoding: 'utf8', timeout: 600_000 });
  if (status === 0) {
    project.provide('chromium', { path: stdout.trim() });
    return;
  }
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  // A failed installation must not skip the tests silently.
  if (status !== NOT_HERE) throw new Error(`install-chromium.sh failed (${String(status)}):\n${stderr}`);
  process.stderr.write(`browser: tests of the report are skipped: ${reason}\n`);
  project.provide('chromium', { missing: reason });
}
