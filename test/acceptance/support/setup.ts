import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { sweep } from './sweep.ts';

/** Why an engine is not available on this computer; no reason means that it is. */
export interface Missing {
  readonly incus?: string;
  /** The real Multipass; the stand-in is available wherever Incus is. */
  readonly multipass?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    missing: Missing;
  }
}

const INSTALL = fileURLToPath(new URL('../install-incus.sh', import.meta.url));
/** Exit code of install-incus.sh if Incus cannot be installed on this computer. */
const NOT_HERE = 77;

/** Prepares Incus before the first acceptance test; prints the reason if an engine is not available. */
export function setup(project: TestProject): void {
  const incus = installIncus();
  const multipass = findMultipass();
  if (incus === undefined) sweep();
  tell('Incus machines, and Multipass on them', incus);
  tell('the real Multipass', multipass);
  project.provide('missing', {
    ...(incus === undefined ? {} : { incus }),
    ...(multipass === undefined ? {} : { multipass }),
  });
}

function tell(what: string, reason: string | undefined): void {
  if (reason !== undefined) process.stderr.write(`acceptance: tests with ${what} are skipped: ${reason}\n`);
}

/** Why Incus is not available. @throws Error if the installation fails, so that the tests are not skipped silently */
function installIncus(): string | undefined {
  const { status, stderr } = spawnSync('bash', [INSTALL], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    timeout: 900_000,
  });
  if (status === 0) return undefined;
  if (status === NOT_HERE)
    return stderr.trim().split('\n').at(-1)?.replace('install-incus: ', '') ?? 'not possible here';
  throw new Error(`install-incus.sh failed (${String(status)}):\n${stderr}`);
}

function findMultipass(): string | undefined {
  const { status, stdout } = spawnSync('multipass', ['version', '--format', 'json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (status !== 0) return 'multipass is not installed';
  return stdout.includes('multipassd') ? undefined : 'the service of Multipass does not answer';
}
