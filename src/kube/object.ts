import { z } from 'zod';
import { kinds, objectSchema, type KubeObject, type ObjectOf } from './kinds.ts';

export type { KubeObject } from './kinds.ts';

const listSchema = z.looseObject({ kind: z.literal('List'), items: z.array(z.unknown()) });

/**
 * Parses the output of `kubectl get --output=json`: a List, one object, or nothing. Each object has the shape of its
 * kind.
 *
 * @throws Error that names the object and the field if the output has another shape
 */
export function parseObjects(stdout: string): KubeObject[] {
  if (stdout.trim() === '') return [];
  const answer: unknown = JSON.parse(stdout);
  const list = listSchema.safeParse(answer);
  return (list.success ? list.data.items : [answer]).map(parseObject);
}

/** One object with the shape of its kind. @throws Error that names the object and the field */
export function parseObject(value: unknown): KubeObject {
  const parsed = schemaFor(value).safeParse(value);
  if (parsed.success) return parsed.data;
  const object = objectSchema.safeParse(value);
  if (!object.success) throw new Error(problemIn('object', object.error));
  const { kind, metadata } = object.data;
  const place = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  throw new Error(problemIn(`${kind} ${place}`, parsed.error));
}

const schemas = new Map<unknown, z.ZodType<KubeObject>>(Object.entries(kinds));

/**
 * The schema for an object's kind. Picking it by kind parses each object only once, which matters with hundreds of
 * pods.
 */
function schemaFor(value: unknown): z.ZodType<KubeObject> {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return schemas.get(kind) ?? objectSchema;
}

/** A problem as text, e.g. `Deployment istio-system/istiod: spec.replicas: expected number, received string`. */
function problemIn(what: string, { issues: [first] }: z.ZodError): string {
  const text = (first?.message ?? 'unknown shape').replace(/^Invalid input: /, '');
  return [what, first?.path.join('.') ?? '', text].filter((part) => part !== '').join(': ');
}

/** Whether an object is of this kind, and so has the shape that `parseObjects` checked. */
export function isKind<K extends string>(object: KubeObject, kind: K): object is ObjectOf<K> {
  return object.kind === kind;
}

/** The objects of a kind, in one namespace or everywhere. */
export function ofKind<K extends string>(objects: readonly KubeObject[], kind: K, namespace?: string): ObjectOf<K>[] {
  return objects
    .filter((object): object is ObjectOf<K> => isKind(object, kind))
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
}
