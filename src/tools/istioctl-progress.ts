import { plainText } from '../system/plain-text.ts';

/** One line of istioctl's progress (docs/facts/real-mesh.md 6.3, 6.14); the banner is not progress. */
export type Progress =
  | { readonly kind: 'working'; readonly text: string; readonly waitsFor: readonly Waited[] }
  | { readonly kind: 'installed'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

/** A resource that istioctl waits for. */
export interface Waited {
  readonly kind: string;
  readonly namespace: string;
  /** Only its beginning when `cut` is set: istioctl truncates long lines. */
  readonly name: string;
  readonly cut: boolean;
}

const RESOURCE = /\b(Deployment|DaemonSet|StatefulSet)\/([^\s/,]+)\/([^\s,]+?)(\.{3})?(?=[,\s]|$)/g;

/** Parses one line of stderr; undefined when it is not progress. */
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

/** The progress as text; undefined when it is not worth a line: short phases, and the final success. */
export function progressText(progress: Progress): string | undefined {
  if (progress.text === 'Installation complete') return undefined;
  if (progress.kind !== 'working') return progress.text;
  if (progress.waitsFor.length === 0) return undefined;
  const names = progress.waitsFor.map(
    ({ kind, namespace, name, cut }) => `${kind} ${namespace}/${name}${cut ? '…' : ''}`,
  );
  return `waiting for ${names.join(', ')}`;
}
