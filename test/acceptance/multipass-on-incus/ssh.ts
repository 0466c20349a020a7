import { link, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { instances, type Instance } from './incus.ts';

const DIRECTORY =
  process.env['MULTIPASS_ON_INCUS_DIR'] ?? join(tmpdir(), `multipass-on-incus-${String(process.getuid?.())}`);
const KEY = join(DIRECTORY, 'id_ed25519');

/** Options of every session: our key, no prompts, a new connection each time, and, like libssh, no keep-alive. */
export const OPTIONS: readonly string[] = [
  ...['-F', 'none', '-i', KEY, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ControlMaster=no'],
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
  ...['-o', 'ConnectTimeout=10'],
  // Like libssh; the default post-quantum key exchange of ssh takes longer than the rest of a short session.
  ...['-o', 'KexAlgorithms=curve25519-sha256', '-o', 'HostKeyAlgorithms=ssh-ed25519'],
];

/** The public key for SSH; created once, even if several launches run at the same time. */
export async function publicKey(): Promise<string> {
  await mkdir(DIRECTORY, { recursive: true, mode: 0o700 });
  const own = `${KEY}.${process.pid}`;
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'multipass-on-incus', '-f', own], {
    stdin: 'ignore',
  });
  // link() fails if the key exists, so the first process wins.
  await link(own, KEY).catch(() => undefined);
  await Promise.all([own, `${own}.pub`].map((path) => rm(path, { force: true })));
  return (await execa('ssh-keygen', ['-y', '-f', KEY], { stdin: 'ignore' })).stdout;
}

/** Quotes one word for the remote shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Whether a session can be opened. */
async function answers(address: string): Promise<boolean> {
  const result = await execa('ssh', [...OPTIONS, `ubuntu@${address}`, 'true'], {
    reject: false,
    stdin: 'ignore',
    timeout: 15_000,
  });
  return result.exitCode === 0;
}

/** Waits until the machine accepts SSH sessions; undefined after the deadline. */
export async function awaitSsh(name: string, deadline: number): Promise<Instance | undefined> {
  while (Date.now() < deadline) {
    const found = (await instances('launch')).find((each) => each.name === name);
    const [address] = found?.addresses ?? [];
    if (found?.state === 'Running' && address !== undefined && (await answers(address))) return found;
    await sleep(300);
  }
  return undefined;
}
