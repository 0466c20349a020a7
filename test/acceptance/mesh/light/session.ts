import { connect } from 'node:net';
import { sleep } from './processes.ts';

/** A TCP session to port 22 of a machine, as ssh has one. */
export interface Session {
  /** Sends a line and waits for it to come back. @throws Error when it does not within 5 seconds */
  echo(): Promise<void>;
}

export async function openSession(address: string): Promise<Session> {
  const socket = connect(22, address);
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (received += chunk));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // Later troubles show as a line that does not come back.
  socket.on('error', () => undefined);
  let lines = 0;
  return {
    echo: async () => {
      const line = `line ${++lines}\n`;
      socket.write(line);
      const deadline = performance.now() + 5_000;
      while (performance.now() < deadline) {
        if (received.endsWith(line)) return;
        await sleep(50);
      }
      throw new Error(`the session on port 22 is frozen: ${line.trim()} did not come back within 5s`);
    },
  };
}
