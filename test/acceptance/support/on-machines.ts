import { afterAll, beforeAll, describe, inject } from 'vitest';
import { createTestLab, type EngineName, type TestLab } from './lab.ts';

/** Why machines of this engine are not available; undefined if they are. */
export function missing(kind: EngineName): string | undefined {
  const reasons = inject('missing');
  return kind === 'real-multipass' ? reasons.multipass : reasons.incus;
}

/**
 * Declares tests on real machines of one engine, in a lab that is created before them and removed after them. If the engine
 * is not available, the tests are skipped, and their title says why.
 *
 * @param body declares the tests; `lab()` may be called only inside tests
 */
export function onMachines(
  kind: EngineName,
  title: string,
  body: (lab: () => TestLab) => void,
  set: Readonly<Record<string, string>> = {},
): void {
  const reason = missing(kind);
  let current: TestLab | undefined;
  const lab = (): TestLab => {
    if (current === undefined) throw new Error('available only inside tests');
    return current;
  };
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (not available: ${reason})`, () => {
    beforeAll(async () => {
      current = await createTestLab(kind, set);
    });
    afterAll(async () => current?.cleanUp());
    body(lab);
  });
}
