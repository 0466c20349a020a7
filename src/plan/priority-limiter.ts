/**
 * Limits how many steps hold a resource at the same time. Lower ranks go first, even if they acquire a moment later: a
 * step that may still acquire reserves its place before.
 */
export interface PriorityLimiter {
  /** How many steps may hold the resource at the same time. */
  readonly limit: number;
  /** Reserves a place for a step that may acquire soon. */
  reserve(id: string): void;
  /**
   * Resolves with the id of the step that released its place (none when a place was free), or with `closed`.
   * @param onWait called once when other steps hold all places; a place that is only reserved does not count
   */
  acquire(id: string, onWait: () => void): Promise<{ readonly from?: string } | 'closed'>;
  /** Releases a place or a reservation; does nothing when there is neither. */
  release(id: string): void;
  /** From now on every acquire, including pending ones, resolves with `closed`. */
  close(): void;
}

/** `rank`: lower ranks go first. */
export function createPriorityLimiter(bound: number, rank: (id: string) => number): PriorityLimiter {
  const reserved = new Set<string>();
  const holding = new Set<string>();
  const waiting = new Map<
    string,
    { resolve: (result: { readonly from?: string } | 'closed') => void; onWait: () => void }
  >();
  const notified = new Set<string>();
  let closed = false;

  const grant = (from?: string): void => {
    for (const id of [...waiting.keys()].sort((a, b) => rank(a) - rank(b))) {
      const before = [...reserved].filter((other) => rank(other) < rank(id)).length;
      if (holding.size + before >= bound) continue;
      holding.add(id);
      waiting.get(id)?.resolve(from === undefined ? {} : { from });
      waiting.delete(id);
    }
    if (holding.size < bound) return;
    for (const [id, { onWait }] of waiting) {
      if (notified.has(id)) continue;
      notified.add(id);
      onWait();
    }
  };

  return {
    limit: bound,
    reserve: (id) => void reserved.add(id),
    acquire: (id, onWait) => {
      reserved.delete(id);
      if (closed) return Promise.resolve('closed');
      const result = new Promise<{ readonly from?: string } | 'closed'>((resolve) =>
        waiting.set(id, { resolve, onWait }),
      );
      grant();
      return result;
    },
    release: (id) => {
      const held = holding.delete(id);
      reserved.delete(id);
      if (!closed) grant(held ? id : undefined);
    },
    close: () => {
      closed = true;
      for (const { resolve } of waiting.values()) resolve('closed');
      waiting.clear();
    },
  };
}
