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
const LASTING = HEAD.replace('Connection: close\r\n', '');
const UNMEASURED = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

type Manner = (socket: Socket) => void;

/** Servers that give the whole file and close, each in its own way. */
const whole: Record<string, Manner> = {
  'says that it closes': (socket) => {
    socket.write(HEAD);
    socket.end(CONTENT);
  },
  'closes without a word': (socket) => {
    socket.write(LASTING);
    socket.end(CONTENT);
  },
  'names no length': (socket) => {
    socket.write(UNMEASURED);
    socket.end(CONTENT);
  },
  'sends more than it has announced': (socket) => {
    socket.write(HEAD);
    socket.end(Buffer.concat([CONTENT, CONTENT]));
  },
  'leaves the connection open': (socket) => {
    socket.write(LASTING);
    socket.write(CONTENT);
  },
};

/** Servers that close too early. */
const broken: Record<string, Manner> = {
  'before a word': (socket) => void socket.end(),
  'with a reset before a word': (socket) => void socket.resetAndDestroy(),
  'within the headers': (socket) => void socket.end(HEAD.slice(0, 30)),
  'after the headers': (socket) => void socket.end(HEAD),
  'within the body': (socket) => void socket.end(Buffer.concat([Buffer.from(HEAD), CONTENT.subarray(1)])),
  'within the body, by a reset': (socket) =>
    void socket.write(Buffer.concat([Buffer.from(HEAD), CONTENT.subarray(0, 100_000)]), () => socket.resetAndDestroy()),
  'within a chunk': (socket) => void socket.end(`${CHUNKED}20\r\nshort`),
  'before the last chunk': (socket) => void socket.end(`${CHUNKED}5\r\nshort\r\n`),
  'with what is no HTTP': (socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  'with a broken chunk': (socket) => void socket.end(`${CHUNKED}zz\r\nshort`),
};

describe('a server that closes the connection', () => {
  let manner: Manner = () => undefined;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).once('data', () => manner(socket));
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

  /** Reads as a slow disk writes, so that the connection must be paused. */
  const readSlowly = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytesOf({ url, stallMs: 8_000 })) {
      chunks.push(chunk);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return Buffer.concat(chunks);
  };

  it.each(Object.keys(whole))('gives the whole file when it %s', async (name) => {
    manner = whole[name] as Manner;
    for (let time = 0; time < 12; time++) expect((await readSlowly()).equals(CONTENT)).toBe(true);
    await createDownloads(8_000).fetch({ url, to: fixture.getPath('k3s'), sha256 });
    expect(readFileSync(fixture.getPath('k3s')).equals(CONTENT)).toBe(true);
    // What comes after the answer must not be an uncaught error.
    for (const socket of sockets.splice(0)) socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
  });

  it.each(Object.keys(broken))('causes a failed download when it closes %s', async (name) => {
    manner = broken[name] as Manner;
    for (let time = 0; time < 5; time++) {
      await expect(createDownloads(8_000).fetch({ url, to: fixture.getPath('k3s'), sha256 })).rejects.toMatchObject({
        reason: 'download-failed',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it('is reported in plain words', async () => {
    const message = async (name: string): Promise<string> => {
      manner = broken[name] as Manner;
      return readSlowly().then(String, (thrown: unknown) => (thrown as Error).message);
    };
    expect(await message('before a word')).toContain('the server closed the connection without an answer');
    expect(await message('within the body')).toContain('the server closed the connection in the middle');
  });
});
