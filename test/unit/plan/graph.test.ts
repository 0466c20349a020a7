import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import {
  closure,
  contract,
  dependents,
  remainingPath,
  topologicalOrder,
  validateGraph,
} from '../../../src/plan/graph.ts';
import { graphs } from './graphs.ts';

const node = (id: string, ...needs: string[]) => ({ id, needs, expectMs: 10 });
const diamond = [node('top', 'left', 'right'), node('left', 'base'), node('right', 'base'), node('base')];

describe('the graph of steps', () => {
  it('refuses an invalid graph and names the problem', () => {
    expect(() => validateGraph([node('a', 'ghost')])).toThrow('step a needs ghost, which is no step');
    expect(() => validateGraph([node('a'), node('a')])).toThrow('step a is there twice');
    expect(() => validateGraph([node('Not this')])).toThrow('step id "Not this"');
    expect(() => validateGraph([node('x'), node('a', 'b'), node('b', 'c'), node('c', 'a')])).toThrow('a → b → c → a');
    expect(() => validateGraph([node('a', 'a')])).toThrow('a → a');
    expect(() => validateGraph(diamond)).not.toThrow();
  });

  it('puts needs first and otherwise keeps the given order', () => {
    expect(topologicalOrder(diamond).map(({ id }) => id)).toEqual(['base', 'left', 'right', 'top']);
    expect(topologicalOrder([node('b'), node('a')]).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('finds the needs and the dependents of a step', () => {
    expect([...closure(diamond, ['left'])].sort()).toEqual(['base', 'left']);
    expect([...dependents(diamond, ['base'])].sort()).toEqual(['left', 'right', 'top']);
    expect([...dependents(diamond, ['top'])]).toEqual([]);
    expect(() => closure(diamond, ['ghost'])).toThrow('there is no step ghost');
  });

  it('connects steps across those that are left out', () => {
    expect(contract(diamond, new Set(['top', 'base']))).toEqual(
      new Map([
        ['top', ['base']],
        ['base', []],
      ]),
    );
  });

  it('measures the longest path to the end', () => {
    const remaining = remainingPath([node('top', 'left', 'base'), node('left', 'base'), node('base')]);
    expect(Object.fromEntries(remaining)).toEqual({ base: 30, left: 20, top: 10 });
  });

  it('orders any graph, where a remaining path is at least its own work plus the longest that follows', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        validateGraph(nodes);
        const order = topologicalOrder(nodes);
        expect(order.map(({ id }) => id).sort()).toEqual(nodes.map(({ id }) => id).sort());
        const place = new Map(order.map(({ id }, index) => [id, index]));
        const remaining = remainingPath(nodes);
        for (const { id, needs, expectMs } of nodes) {
          for (const need of needs) expect(place.get(need)).toBeLessThan(place.get(id) ?? -1);
          const next = nodes.filter((other) => other.needs.includes(id)).map((other) => remaining.get(other.id) ?? 0);
          expect(remaining.get(id)).toBe(expectMs + Math.max(0, ...next));
        }
      }),
    );
  });
});
