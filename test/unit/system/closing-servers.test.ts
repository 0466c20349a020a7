import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createFixture } from 'fs-fixture';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDownloads } from '../../../src/system/downloads.ts';
import { bytesOf } from '../../../src/system/source.ts';

const CONTENT = Buffer.alloc(600_000, 'artifact ');
const sha256 = createHash('sha256').update(CONTENT).digest('hex');
const HEAD = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${CONTENT.length}\r\n\r\n`;
const KEEP_ALIVE = HEAD.replace('Connection: close\r\n', '');
const WITHOUT_LENGTH = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

type Behavior = (socket: Socket) => void;

/** Servers that send the complete file, and differ in how they end the response. */
const complete: Record<string, Behavior> = {
  'announces that it closes the connection': (socket) => {
    socket.write(HEAD);
    socket.end(CONTENT);
  },
  'closes the connection unannounced': (socket) => {
    socket.write(KEEP_ALIVE);
    socket.end(CONTENT);
  },
  'sends no length': (socket) => {
    socket.write(WITHOUT_LENGTH);
    socket.end(CONTENT);
  },
  'sends more than the announced length': (socket) => {
    socket.write(HEAD);
    socket.end(Buffer.concat([CONTENT, CONTENT]));
  },
  'leaves the connection open': (socket) => {
    socket.write(KEEP_ALIVE);
    socket.write(CONTENT);
  },
};

/** Servers that close too early. */
const incomplete: Record<string, Behavior> = {
  'before the response': (socket) => void socket.end(),
  'with a reset before the response': (socket) => void socket.resetAndDestroy(),
  'within the headers': (socket) => void socket.end(HEAD.slice(0, 30)),
  'after the headers': (socket) => void socket.end(HEAD),
  'within the body': (socket) => void socket.end(Buffer.concat([Buffer.from(HEAD), CONTENT.subarray(1)])),
  'within the body, by a reset': (socket) =>
    void socket.write(Buffer.concat([Buffer.from(HEAD), CONTENT.subarray(0, 100_000)]), () => socket.resetAndDestroy()),
  'within a chunk': (socket) => void socket.end(`${CHUNKED}20\r\nshort`),
  'before the last chunk': (socket) => void socket.end(`${CHUNKED}5\r\nshort\r\n`),
  'after a response that is not HTTP': (socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  'with a malformed chunk': (socket) => void socket.end(`${CHUNKED}zz\r\nshort`),
};

describe('a server that closes the connection', () => {
  let behavior: Behavior = () => undefined;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).once('data', () => behavior(socket));
  });
  const uncaught: unknown[] = [];
  const note = (thrown: unknown): void => void uncaught.push(thrown);
  let url: string;
  let fixture: Awaited<ReturnType<typeof createFixture>>;

  beforeAll(async () => {
    process.on('uncaughtException', note);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/k3s`;
  });
  afterAll(() => {
    process.off('uncaughtException', note);
    server.close();
  });
  beforeEach(async () => void (fixture = await createFixture({})));
  afterEach(async () => {
    await fixture.rm();
    expect(uncaught.splice(0)).toEqual([]);
  });

  /** Reads as slowly as a slow disk writes, so that the connection must be paused. */
  const readSlowly = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytesOf({ url, stallMs: 8_000 })) {
      chunks.push(chunk);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return Buffer.concat(chunks);
  };

  it.each(Object.keys(complete))('gives the complete file when it %s', async (name) => {
    behavior = complete[name] as Behavior;
    for (let time = 0; time < 12; time++) expect((await readSlowly()).equals(CONTENT)).toBe(true);
    await createDownloads(8_000).fetch({ url, to: fixture.getPath('k3s'), sha256 });
    expect(readFileSync(fixture.getPath('k3s')).equals(CONTENT)).toBe(true);
    // A reset after the response must not cause an uncaught error.
    for (const socket of sockets.splice(0)) socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
  });

  it.each(Object.keys(incomplete))('causes a failed download when it closes %s', async (name) => {
    behavior = incomplete[name] as Behavior;
    for (let time = 0; time < 5; time++) {
      await expect(createDownloads(8_000).fetch({ url, to: fixture.getPath('k3s'), sha256 })).rejects.toMatchObject({
        reason: 'download-failed',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it('is explained in the error message', async () => {
    const message = async (name: string): Promise<string> => {
      behavior = incomplete[name] as Behavior;
      return readSlowly().then(String, (thrown: unknown) => (thrown as Error).message);
    };
    expect(await message('before the response')).toContain('the server closed the connection without an answer');
    expect(await message('within the body')).toContain('the server closed the connection in the middle');
  });
});
