import { z } from 'zod';

/** A Kubernetes object, as far as every kind is alike. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly uid?: string | undefined;
    readonly creationTimestamp?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    creationTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

const listSchema = z.looseObject({ kind: z.literal('List'), items: z.array(objectSchema) });

/**
 * What `kubectl get --output=json` printed: a List, one object, or nothing.
 * @throws Error (zod, JSON) when it is something else
 */
export function parseObjects(stdout: string): KubeObject[] {
  if (stdout.trim() === '') return [];
  const answer: unknown = JSON.parse(stdout);
  const list = listSchema.safeParse(answer);
  return list.success ? list.data.items : [objectSchema.parse(answer)];
}

/** Objects in one place, looked up by kind and name. */
export interface KubeView {
  readonly objects: readonly KubeObject[];
  /** By kind as it stands in the object, e.g. `Service`; without a namespace for what has none. */
  find(kind: string, name: string, namespace?: string): KubeObject | undefined;
  /** All of a kind, in one namespace or everywhere. */
  all(kind: string, namespace?: string): readonly KubeObject[];
}

export function viewOf(objects: readonly KubeObject[]): KubeView {
  const all = (kind: string, namespace?: string): readonly KubeObject[] =>
    objects.filter((each) => each.kind === kind && (namespace === undefined || each.metadata.namespace === namespace));
  return {
    objects,
    all,
    find: (kind, name, namespace) =>
      all(kind).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
  };
}
