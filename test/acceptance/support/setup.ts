import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { sweep } from './sweep.ts';

/** Why the machines of an engine cannot be had on this computer; without a reason they can. */
export interface Missing {
  readonly incus?: string;
  /** The real one; the stand-in on Incus machines needs what `incus` needs. */
  readonly multipass?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    missing: Missing;
  }
}

const INSTALL = fileURLToPath(new URL('../install-incus.sh', import.meta.url));
/** Exit code of install-incus.sh for «not possible here». */
const NOT_HERE = 77;

/** Before the first acceptance test: Incus as the tests want it, or the reason why not, said aloud. */
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

/** @throws Error when it could be installed here and was not: that is a failure and no reason to skip */
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
