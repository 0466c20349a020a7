import { z } from 'zod';

/** A field that may be absent; the API server writes null for some absent fields. */
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional());

const texts = z.record(z.string(), z.string());

/** The fields that all kinds have. Other fields are kept as they are. */
export const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: optional(z.string()),
    uid: optional(z.string()),
    generation: optional(z.number()),
    creationTimestamp: optional(z.string()),
    deletionTimestamp: optional(z.string()),
    labels: optional(texts),
    annotations: optional(texts),
    ownerReferences: optional(z.array(z.looseObject({ kind: z.string(), name: z.string() }))),
  }),
});

const conditions = optional(
  z.array(
    z.looseObject({
      type: z.string(),
      status: z.string(),
      reason: optional(z.string()),
      message: optional(z.string()),
      lastHeartbeatTime: optional(z.string()),
      lastTransitionTime: optional(z.string()),
    }),
  ),
);

const labelSelector = z.looseObject({
  matchLabels: optional(texts),
  matchExpressions: optional(
    z.array(z.looseObject({ key: z.string(), operator: z.string(), values: optional(z.array(z.string())) })),
  ),
});

const containers = optional(
  z.array(
    z.looseObject({
      name: z.string(),
      image: optional(z.string()),
      env: optional(z.array(z.looseObject({ name: z.string(), value: optional(z.string()) }))),
    }),
  ),
);

const podSpec = z.looseObject({ nodeName: optional(z.string()), containers, initContainers: containers });

const containerStatuses = optional(
  z.array(
    z.looseObject({
      state: optional(
        z.looseObject({
          waiting: optional(z.looseObject({ reason: optional(z.string()), message: optional(z.string()) })),
        }),
      ),
    }),
  ),
);

/** The kinds of which more than the metadata is read, each with the fields that are read. */
export const kinds = {
  Node: objectSchema.extend({
    status: optional(
      z.looseObject({
        conditions,
        addresses: optional(z.array(z.looseObject({ type: z.string(), address: z.string() }))),
        nodeInfo: optional(z.looseObject({ kubeletVersion: z.string() })),
      }),
    ),
  }),
  Lease: objectSchema.extend({ spec: optional(z.looseObject({ renewTime: optional(z.string()) })) }),
  Pod: objectSchema.extend({
    spec: optional(podSpec),
    status: optional(
      z.looseObject({
        phase: optional(z.string()),
        conditions,
        containerStatuses,
        initContainerStatuses: containerStatuses,
      }),
    ),
  }),
  Deployment: objectSchema.extend({
    spec: optional(
      z.looseObject({
        replicas: optional(z.number()),
        selector: optional(labelSelector),
        template: optional(z.looseObject({ spec: optional(podSpec) })),
      }),
    ),
    status: optional(
      z.looseObject({
        replicas: optional(z.number()),
        availableReplicas: optional(z.number()),
        updatedReplicas: optional(z.number()),
        observedGeneration: optional(z.number()),
        conditions,
      }),
    ),
  }),
  Service: objectSchema.extend({
    spec: optional(
      z.looseObject({
        type: optional(z.string()),
        clusterIP: optional(z.string()),
        selector: optional(texts),
        ports: optional(z.array(z.looseObject({ port: z.number() }))),
      }),
    ),
    status: optional(
      z.looseObject({
        loadBalancer: optional(
          z.looseObject({
            ingress: optional(z.array(z.looseObject({ ip: optional(z.string()), hostname: optional(z.string()) }))),
          }),
        ),
      }),
    ),
  }),
  ConfigMap: objectSchema.extend({ data: optional(texts) }),
  Secret: objectSchema.extend({ type: optional(z.string()) }),
  NetworkPolicy: objectSchema.extend({
    spec: optional(
      z.looseObject({
        podSelector: optional(labelSelector),
        policyTypes: optional(z.array(z.string())),
        ingress: optional(z.array(z.looseObject({}))),
        egress: optional(z.array(z.looseObject({}))),
      }),
    ),
  }),
  WorkloadEntry: objectSchema.extend({
    spec: optional(z.looseObject({ address: optional(z.string()), network: optional(z.string()) })),
    status: optional(z.looseObject({ conditions })),
  }),
  PeerAuthentication: objectSchema.extend({
    spec: optional(
      z.looseObject({
        selector: optional(labelSelector),
        mtls: optional(z.looseObject({ mode: optional(z.string()) })),
      }),
    ),
  }),
  AuthorizationPolicy: objectSchema.extend({ spec: optional(z.looseObject({ selector: optional(labelSelector) })) }),
};

type Kinds = { [K in keyof typeof kinds]: z.infer<(typeof kinds)[K]> & { readonly kind: K } };

/** The object of a kind; for a kind without its own schema, the fields that all kinds have. */
export type ObjectOf<K extends string> = K extends keyof Kinds ? Kinds[K] : KubeObject;

export type Node = ObjectOf<'Node'>;
export type Lease = ObjectOf<'Lease'>;
export type Pod = ObjectOf<'Pod'>;
export type Deployment = ObjectOf<'Deployment'>;
export type Service = ObjectOf<'Service'>;
export type NetworkPolicy = ObjectOf<'NetworkPolicy'>;
export type WorkloadEntry = ObjectOf<'WorkloadEntry'>;
export type PeerAuthentication = ObjectOf<'PeerAuthentication'>;
export type AuthorizationPolicy = ObjectOf<'AuthorizationPolicy'>;
export type Conditions = z.infer<typeof conditions>;
export type LabelSelector = z.infer<typeof labelSelector>;

/** An object of any kind. */
export type KubeObject = z.infer<typeof objectSchema> & {
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly data?: unknown;
};
