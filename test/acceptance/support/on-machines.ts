import { afterAll, beforeAll, describe, inject } from 'vitest';
import { createTestLab, type EngineName, type TestLab } from './lab.ts';

/** The reason why machines of this engine cannot be had here. */
export function missing(kind: EngineName): string | undefined {
  const reasons = inject('missing');
  return kind === 'real-multipass' ? reasons.multipass : reasons.incus;
}

/**
 * Tests on real machines of one engine, in a lab that is made before them and removed after them. Where the machines cannot
 * be had the tests are counted as skipped, and their title says why.
 *
 * @param body declares the tests; `lab()` is for use within them
 */
export function onMachines(
  kind: EngineName,
  title: string,
  body: (lab: () => TestLab) => void,
  set: Readonly<Record<string, string>> = {},
): void {
  const reason = missing(kind);
  let made: TestLab | undefined;
  const lab = (): TestLab => {
    if (made === undefined) throw new Error('the lab is there within tests alone');
    return made;
  };
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (not here: ${reason})`, () => {
    beforeAll(async () => {
      made = await createTestLab(kind, set);
    });
    afterAll(async () => made?.cleanUp());
    body(lab);
  });
}
