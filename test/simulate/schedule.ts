import { FAULTS, faultsOf } from '../../src/rehearsal/index.ts';
import type { FaultName } from '../../src/rehearsal/faults.ts';
import { randomFrom } from './random.ts';

/** A fault, or what is done to the program. */
export type Kind = FaultName | (typeof SIGNALS)[number];

/** What goes wrong, and how many milliseconds after the beginning. */
export interface Trouble {
  readonly kind: Kind;
  readonly after: number;
}

/** What people and systems do to the program itself; `second-run` is another `up` in the same directory. */
export const SIGNALS = ['sigint', 'sigint-twice', 'sigterm', 'sigkill', 'power-cut', 'second-run'] as const;

const MAX_FAULTS = 5;
/** An undisturbed `up` takes about three minutes; troubles may come later, too. */
const SPAN_MS = 240_000;

/** The kinds of trouble that there are. */
export const KINDS: readonly Kind[] = [...FAULTS.map(({ name }) => name), ...SIGNALS];

/** Every fifth world has Incus. */
export const engineOf = (seed: number): 'multipass' | 'incus' => (seed % 5 === 4 ? 'incus' : 'multipass');

/** Nought to five troubles, by the seed alone; signals more often than any one fault. */
export function scheduleOf(seed: number): readonly Trouble[] {
  const random = randomFrom(seed);
  const troubles = Array.from({ length: random.whole(MAX_FAULTS + 1) }, (): Trouble => ({
    kind: random.next() < 0.3 ? random.pick(SIGNALS) : random.pick(faultsOf(engineOf(seed))).name,
    // What strikes once waits for its occasion: half of them are there from the beginning.
    after: random.next() < 0.5 ? 0 : random.whole(SPAN_MS),
  }));
  // The same fault twice at once is one.
  return troubles.filter(
    ({ kind }, index) => troubles.findIndex((each) => each.kind === kind) === index || isSignal(kind),
  );
}

export function isSignal(kind: Kind): kind is (typeof SIGNALS)[number] {
  return (SIGNALS as readonly Kind[]).includes(kind);
}
