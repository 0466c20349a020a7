import { describe, expect, it } from 'vitest';
import { createPriorityLimiter } from '../../../src/plan/priority-limiter.ts';

const RANKS: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2 };

describe('the wait for a bounded resource', () => {
  it('is not reported while the resource is free but reserved for a higher priority', async () => {
    const limiter = createPriorityLimiter(2, (id) => RANKS[id] ?? 0);
    const waits: string[] = [];
    for (const id of ['a', 'b', 'c']) limiter.reserve(id);
    const granted = limiter.acquire('c', () => waits.push('c'));
    expect(waits).toEqual([]);
    limiter.release('a');
    limiter.release('b');
    expect(await granted).toEqual({});
    expect(waits).toEqual([]);
  });

  it('is reported once when others hold the whole resource', async () => {
    const limiter = createPriorityLimiter(2, (id) => RANKS[id] ?? 0);
    const waits: string[] = [];
    for (const id of ['a', 'b', 'c']) limiter.reserve(id);
    const granted = limiter.acquire('c', () => waits.push('c'));
    await limiter.acquire('a', () => waits.push('a'));
    expect(waits).toEqual([]);
    await limiter.acquire('b', () => waits.push('b'));
    expect(waits).toEqual(['c']);
    limiter.release('a');
    expect(await granted).toEqual({ from: 'a' });
    expect(waits).toEqual(['c']);
  });
});
