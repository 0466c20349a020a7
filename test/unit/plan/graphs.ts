import { fc } from '../../support/fast-check.ts';

/** Acyclic graphs: each node needs only earlier nodes; the order is then shuffled. */
export const graphs = fc
  .array(fc.tuple(fc.array(fc.nat()), fc.integer({ min: 0, max: 50 })), { minLength: 1, maxLength: 14 })
  .chain((rows) => {
    const nodes = rows.map(([needs, expectMs], index) => ({
      id: `n${index}`,
      needs: index === 0 ? [] : [...new Set(needs.map((need) => `n${need % index}`))],
      expectMs,
    }));
    return fc.shuffledSubarray(nodes, { minLength: nodes.length });
  });
