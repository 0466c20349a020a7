import { connect } from 'node:net';
import { sleep } from './processes.ts';

/** A TCP session to port 22 of a machine that sends something all the time, as ssh with a busy terminal. */
export interface Session {
  /** @throws Error when nothing comes any more */
  alive(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
/** What was on its way is no sign of life. */
const ENOUGH = 20;

export async function openSession(address: string): Promise<Session> {
  const socket = connect(22, address);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // Later troubles show as silence.
  socket.on('error', () => undefined);
  return {
    alive: async () => {
      const before = received;
      const deadline = performance.now() + TIMEOUT_MS;
      while (performance.now() < deadline) {
        if (received >= before + ENOUGH) return;
        await sleep(50);
      }
      throw new Error(`the session on port 22 is frozen: ${received - before} bytes came within ${TIMEOUT_MS / 1000}s`);
    },
  };
}
