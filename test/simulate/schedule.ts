import { FAULTS, faultsOf } from '../../src/rehearsal/index.ts';
import type { FaultName } from '../../src/rehearsal/faults.ts';
import { randomFrom } from './random.ts';

/** A fault, or something that happens to the program itself. */
export type Kind = FaultName | (typeof SIGNALS)[number];

/** A fault or signal, and when it is injected. */
export interface Injection {
  readonly kind: Kind;
  /** Milliseconds after the start. */
  readonly after: number;
}

/** What happens to the program itself; `second-run` is another `up` in the same directory. */
export const SIGNALS = ['sigint', 'sigint-twice', 'sigterm', 'sigkill', 'power-cut', 'second-run'] as const;

const MAX_FAULTS = 5;
/** A fault-free `up` takes about three minutes; injections may also come later. */
const SPAN_MS = 240_000;

/** All faults and signals. */
export const KINDS: readonly Kind[] = [...FAULTS.map(({ name }) => name), ...SIGNALS];

/** Every fifth world uses Incus. */
export const engineOf = (seed: number): 'multipass' | 'incus' => (seed % 5 === 4 ? 'incus' : 'multipass');

/** Zero to five injections, determined by the seed; a signal is more frequent than any single fault. */
export function scheduleOf(seed: number): readonly Injection[] {
  const random = randomFrom(seed);
  const injections = Array.from({ length: random.whole(MAX_FAULTS + 1) }, (): Injection => ({
    kind: random.next() < 0.3 ? random.pick(SIGNALS) : random.pick(faultsOf(engineOf(seed))).name,
    // Half of them are injected at the start, because many faults wait for a matching operation.
    after: random.next() < 0.5 ? 0 : random.whole(SPAN_MS),
  }));
  // A fault can be active only once at a time.
  return injections.filter(
    ({ kind }, index) => injections.findIndex((each) => each.kind === kind) === index || isSignal(kind),
  );
}

export function isSignal(kind: Kind): kind is (typeof SIGNALS)[number] {
  return (SIGNALS as readonly Kind[]).includes(kind);
}
