import prettyMilliseconds from 'pretty-ms';
import type { Finding } from './step.ts';

/** A duration for people: `0.4s`, `12s`, `2m24s`. Tenths are shown in the first ten seconds only. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  return prettyMilliseconds(Math.round(ms / 1000) * 1000).replaceAll(' ', '');
}

/** The result of a check, in words. */
export function findingText(finding: Finding): string {
  if (finding === 'ready') return 'ok';
  return 'missing' in finding ? finding.missing : `drift: ${finding.drifted}`;
}

/** A command of this program as users type it. */
export function commandHint(command: string): string {
  return `istio-vms ${command}`;
}

/** Adds a full stop unless the text already ends like a sentence. */
export function sentence(text: string): string {
  const bare = text.trimEnd();
  return /[.!?…]$/.test(bare) ? bare : `${bare}.`;
}

/** A progress text as a sentence of its own: `Waiting for the lock.` */
export function notice(text: string): string {
  return sentence(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
}

/** `1 step`, `2 steps`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
