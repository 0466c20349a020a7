import type { Command } from '../system/system.ts';
import { shippedText, type GuestTexts } from './shipped.ts';

/**
 * Resolves a name with the machine's resolver and bypasses /etc/hosts, as the article does with `dig`. Exits with 1 and
 * the reason on stderr (SERVFAIL, NXDOMAIN, timeout) when there is no address.
 */
export function dnsCommand(shipped: GuestTexts, name: string): Command {
  return { file: 'python3', args: ['-c', shippedText(shipped, 'dns.py'), name], effect: 'read', timeoutMs: 20_000 };
}

/** The IPv4 addresses in the output. */
export function parseDnsAnswer(stdout: string): readonly string[] {
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
