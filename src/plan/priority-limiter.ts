/**
 * Turns at one bounded resource. The better rank goes first, also when it asks a moment later: whoever may still ask
 * has announced itself, and a turn is not given away under its nose.
 */
export interface PriorityLimiter {
  /** Says that this one may ask soon. */
  reserve(id: string): void;
  /**
   * Resolves with the id of whoever made room (none when there was room at once), or `closed`.
   * @param wait called when others hold all the room: a place that is only kept for a better rank is no wait to tell of.
   */
  acquire(id: string, wait: () => void): Promise<{ readonly from?: string } | 'closed'>;
  /** Gives back a turn, or takes back an announcement. Does no harm when there is neither. */
  release(id: string): void;
  /** From now on nobody gets a turn; those who wait are told so. */
  close(): void;
}

/** `rank`: the lower, the sooner. */
export function createPriorityLimiter(bound: number, rank: (id: string) => number): PriorityLimiter {
  const announced = new Set<string>();
  const holding = new Set<string>();
  const asking = new Map<string, { tell: (answer: { readonly from?: string } | 'closed') => void; wait: () => void }>();
  const told = new Set<string>();
  let closed = false;

  const grant = (from?: string): void => {
    for (const id of [...asking.keys()].sort((a, b) => rank(a) - rank(b))) {
      const before = [...announced].filter((other) => rank(other) < rank(id)).length;
      if (holding.size + before >= bound) continue;
      holding.add(id);
      asking.get(id)?.tell(from === undefined ? {} : { from });
      asking.delete(id);
    }
    if (holding.size < bound) return;
    for (const [id, { wait }] of asking) {
      if (told.has(id)) continue;
      told.add(id);
      wait();
    }
  };

  return {
    reserve: (id) => void announced.add(id),
    acquire: (id, wait) => {
      announced.delete(id);
      if (closed) return Promise.resolve('closed');
      const answer = new Promise<{ readonly from?: string } | 'closed'>((resolve) =>
        asking.set(id, { tell: resolve, wait }),
      );
      grant();
      return answer;
    },
    release: (id) => {
      const held = holding.delete(id);
      announced.delete(id);
      if (!closed) grant(held ? id : undefined);
    },
    close: () => {
      closed = true;
      for (const { tell } of asking.values()) tell('closed');
      asking.clear();
    },
  };
}
