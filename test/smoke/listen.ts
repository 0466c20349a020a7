import type { Readable } from 'node:stream';

/** What a stream has said so far. */
export interface Received {
  readonly all: () => string;
  /** Resolves as soon as all that it has said is as wanted; a stream that ends without is an error with its last words. */
  readonly shows: (isWanted: (all: string) => boolean) => Promise<void>;
}

/** Takes in all that a stream says. */
export function listen(stream: Readable): Received {
  const chunks: Buffer[] = [];
  const all = (): string => Buffer.concat(chunks).toString('utf8');
  const waiting = new Set<() => void>();
  const lookAgain = (): void => {
    for (const look of waiting) look();
  };
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    lookAgain();
  });
  stream.on('close', lookAgain);
  return {
    all,
    shows: (isWanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const wanted = isWanted(all());
          if (!wanted && !stream.closed) return;
          waiting.delete(look);
          if (wanted) resolve();
          else reject(new Error(`It ended without what was waited for; its last words:\n${all().slice(-2_000)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}
