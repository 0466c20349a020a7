import { isKind, parseObject } from '../../src/kube/object.ts';
import type { ObjectOf } from '../../src/kube/kinds.ts';

/** An object as kubectl would print it, checked against the schema of its kind. */
export function kubeObject<K extends string>(
  kind: K,
  metadata: { readonly name: string; readonly [field: string]: unknown },
  rest: Readonly<Record<string, unknown>> = {},
): ObjectOf<K> {
  const object = parseObject({ apiVersion: 'v1', kind, metadata, ...rest });
  if (!isKind(object, kind)) throw new Error(`expected a ${kind}`);
  return object;
}
