import type { Readable } from 'node:stream';

/** The output of a stream so far. */
export interface Received {
  readonly all: () => string;
  /** Resolves when the output satisfies the condition; rejects with the last output when the stream ends before. */
  readonly waitFor: (isWanted: (output: string) => boolean) => Promise<void>;
}

/** Collects the output of a stream. */
export function listen(stream: Readable): Received {
  const chunks: Buffer[] = [];
  const all = (): string => Buffer.concat(chunks).toString('utf8');
  const waiting = new Set<() => void>();
  const checkAll = (): void => {
    for (const check of waiting) check();
  };
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    checkAll();
  });
  stream.on('close', checkAll);
  return {
    all,
    waitFor: (isWanted) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const wanted = isWanted(all());
          if (!wanted && !stream.closed) return;
          waiting.delete(check);
          if (wanted) resolve();
          else
            reject(new Error(`The stream ended before the expected output; its last output:\n${all().slice(-2_000)}`));
        };
        waiting.add(check);
        check();
      }),
  };
}
