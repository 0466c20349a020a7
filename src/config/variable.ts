import type { Syntax } from './syntax.ts';

/** The sections of run.env.example and of docs/configuration.md, in their order. */
export const GROUPS = [
  'Lab',
  'Istio',
  'Cluster',
  'Workload VM',
  'Incus',
  'Mesh and networks',
  'Gateway ports',
  'Files',
] as const;

export interface Variable {
  readonly group: (typeof GROUPS)[number];
  /** Empty where `derivedFrom` says what stands in its place. */
  readonly default: string;
  /** For an empty default: what it follows from, in words. */
  readonly derivedFrom?: string;
  /** For people; part of run.env.example and docs/configuration.md. */
  readonly description: string;
  readonly syntax: Syntax;
}
