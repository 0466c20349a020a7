import type { Command } from '../system/system.ts';
import { shippedText, type GuestTexts } from './shipped.ts';

/**
 * Asks the machine's resolver for a name, past /etc/hosts, as the article does with `dig`. Exit 1 with the reason on
 * stderr (SERVFAIL, NXDOMAIN, timeout) when there is no address.
 */
export function dnsCommand(shipped: GuestTexts, name: string): Command {
  return { file: 'python3', args: ['-c', shippedText(shipped, 'dns.py'), name], effect: 'read', timeoutMs: 20_000 };
}

/** The IPv4 addresses in the answer. */
export function parseDnsAnswer(stdout: string): readonly string[] {
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
