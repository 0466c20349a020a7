import { ApiError } from '../../cluster/api-error.ts';
import type { KindInfo } from '../../cluster/kinds.ts';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import type { Store } from '../../cluster/store.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import type { Known, Parsed } from './args.ts';

interface VerbCall {
  readonly call: HostCall;
  readonly cluster: SimulatedCluster;
  readonly parsed: Parsed;
}

/** One verb of kubectl: the flags it takes here, and what it does once the API server answers. */
export interface Verb {
  readonly flags: Known;
  /** @throws ApiError with what kubectl would print */
  readonly run: (call: VerbCall) => Promise<ProgramResult>;
}

/** The kind behind a name. @throws ApiError in kubectl's words */
export function kindNamed(store: Store, name: string): KindInfo {
  const info = store.kind(name);
  if (info === undefined) throw new ApiError(`error: the server doesn't have a resource type "${name}"`);
  return info;
}

/** How kubectl names an object in what it prints: `deployment.apps/name`, `service/name`. */
export const shown = (info: KindInfo, name: string): string =>
  `${info.kind.toLowerCase()}${info.group === '' ? '' : `.${info.group}`}/${name}`;
