import { plainText } from '../system/plain-text.ts';

/** What one line of istioctl's progress says (docs/facts/real-mesh.md 6.3, 6.14); the banner says nothing. */
export type Progress =
  | { readonly kind: 'working'; readonly text: string; readonly waitsFor: readonly Waited[] }
  | { readonly kind: 'installed'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

/** A resource that istioctl waits for. */
export interface Waited {
  readonly kind: string;
  readonly namespace: string;
  /** Its beginning only, where `cut` says so: istioctl cuts long lines. */
  readonly name: string;
  readonly cut: boolean;
}

const RESOURCE = /\b(Deployment|DaemonSet|StatefulSet)\/([^\s/,]+)\/([^\s,]+?)(\.{3})?(?=[,\s]|$)/g;

/** Reads one line of stderr; undefined for what is no progress. */
export function readProgress(line: string): Progress | undefined {
  const [, mark, text = ''] = /^\s*([-✔✘|/\\])\s+(.+?)\s*$/u.exec(plainText(line)) ?? [];
  if (mark === undefined) return undefined;
  if (mark === '✔') return { kind: 'installed', text: text.replaceAll(/[\s\p{Extended_Pictographic}\uFE0F]+$/gu, '') };
  if (mark === '✘') return { kind: 'failed', text };
  if (!/^(?:Processing|Pruning)\b/.test(text)) return undefined;
  const waitsFor = [...text.matchAll(RESOURCE)].map(([, kind = '', namespace = '', name = '', cut]) => {
    return { kind, namespace, name, cut: cut !== undefined };
  });
  return { kind: 'working', text, waitsFor };
}

/** The same for people; undefined where it is not worth a line: what passes within a second, and that all is done. */
export function progressText(progress: Progress): string | undefined {
  if (progress.text === 'Installation complete') return undefined;
  if (progress.kind !== 'working') return progress.text;
  if (progress.waitsFor.length === 0) return undefined;
  const names = progress.waitsFor.map(
    ({ kind, namespace, name, cut }) => `${kind} ${namespace}/${name}${cut ? '…' : ''}`,
  );
  return `waiting for ${names.join(', ')}`;
}
