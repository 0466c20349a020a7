import prettyMilliseconds from 'pretty-ms';
import type { Finding } from './step.ts';

/** A span of time for people: `0.4 s`, `12 s`, `2 m 24 s`. Tenths matter only in the first ten seconds. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  return prettyMilliseconds(Math.round(ms / 1000) * 1000).replaceAll(/(\d)([a-z])/g, '$1 $2');
}

/** What a check found, in words. */
export function findingText(finding: Finding): string {
  if (finding === 'ready') return 'there';
  return 'missing' in finding ? finding.missing : `not as wanted: ${finding.drifted}`;
}

/** A command of this program as people type it. */
export function commandHint(command: string): string {
  return `istio-vms ${command}`;
}

/** A text that ends like a sentence, once. */
export function sentence(text: string): string {
  const bare = text.trimEnd();
  return /[.!?…]$/.test(bare) ? bare : `${bare}.`;
}

/** `1 step`, `2 steps`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
