import { connect } from 'node:net';
import { sleep } from './processes.ts';

/** A TCP connection to port 22 of a machine whose server sends continuously. */
export interface Session {
  /** @throws Error when no more data arrives */
  expectAlive(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
/** Bytes that prove a live connection; fewer may have been sent before it froze. */
const ENOUGH = 20;

export async function openSession(address: string): Promise<Session> {
  const socket = connect(22, address);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // expectAlive() reports a broken connection.
  socket.on('error', () => undefined);
  return {
    expectAlive: async () => {
      const before = received;
      const deadline = performance.now() + TIMEOUT_MS;
      while (performance.now() < deadline) {
        if (received >= before + ENOUGH) return;
        await sleep(50);
      }
      throw new Error(
        `the session on port 22 is frozen: ${received - before} bytes arrived within ${TIMEOUT_MS / 1000}s`,
      );
    },
  };
}
