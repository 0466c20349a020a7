import { describe, expect, it } from 'vitest';
import { createTurns } from '../../../src/plan/turns.ts';

const RANKS: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2 };

describe('the wait for a bounded resource', () => {
  it('is not reported while the resource is free and only kept for a better rank', async () => {
    const turns = createTurns(2, (id) => RANKS[id] ?? 0);
    const waits: string[] = [];
    for (const id of ['a', 'b', 'c']) turns.announce(id);
    const granted = turns.ask('c', () => waits.push('c'));
    expect(waits).toEqual([]);
    turns.leave('a');
    turns.leave('b');
    expect(await granted).toEqual({});
    expect(waits).toEqual([]);
  });

  it('is reported once when others hold all of it', async () => {
    const turns = createTurns(2, (id) => RANKS[id] ?? 0);
    const waits: string[] = [];
    for (const id of ['a', 'b', 'c']) turns.announce(id);
    const granted = turns.ask('c', () => waits.push('c'));
    await turns.ask('a', () => waits.push('a'));
    expect(waits).toEqual([]);
    await turns.ask('b', () => waits.push('b'));
    expect(waits).toEqual(['c']);
    turns.leave('a');
    expect(await granted).toEqual({ from: 'a' });
    expect(waits).toEqual(['c']);
  });
});
