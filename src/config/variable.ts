import type { Syntax } from './syntax.ts';

export interface Variable {
  /** The section in run.env.example and docs/configuration.md. */
  readonly group: string;
  /** Empty when `derivedFrom` describes the default. */
  readonly default: string;
  /** For an empty default: what it is derived from, in words. */
  readonly derivedFrom?: string;
  /** Description in run.env.example and docs/configuration.md. */
  readonly description: string;
  readonly syntax: Syntax;
}
