import type { Syntax } from './syntax.ts';

export interface Variable {
  /** The section of run.env.example and of docs/configuration.md. */
  readonly group: string;
  /** Empty where `derivedFrom` says what stands in its place. */
  readonly default: string;
  /** For an empty default: what it follows from, in words. */
  readonly derivedFrom?: string;
  /** For people; part of run.env.example and docs/configuration.md. */
  readonly description: string;
  readonly syntax: Syntax;
}
