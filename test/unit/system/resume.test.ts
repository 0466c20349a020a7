import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawnSync } from 'node:child_process';
import { createFixture } from 'fs-fixture';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDownloads } from '../../../src/system/downloads.ts';

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
const sha256 = createHash('sha256').update(CONTENT).digest('hex');
const HALF = CONTENT.length / 2;

/** Emits `half` when half of the file was read. */
const reader = new EventEmitter();

/** A release server that can close a connection half way, and supports range requests with a matching ETag. */
function releaseServer(state: { breaks: number; etag: string; requests: IncomingMessage[]; ignoresRange?: boolean }) {
  const listener: RequestListener = (request, response) => {
    state.requests.push(request);
    const { range, 'if-range': ifRange } = request.headers;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const part =
      range !== undefined && state.ignoresRange !== true && (ifRange === undefined || ifRange === state.etag);
    const body = part ? CONTENT.subarray(from) : CONTENT;
    response.writeHead(part ? 206 : 200, {
      etag: state.etag,
      'content-length': body.length,
      ...(part && { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` }),
    });
    if (state.breaks-- > 0) {
      // Data that is not yet read is lost with the connection, so it is closed only after the reader has half of the file.
      void once(reader, 'half').then(() => response.destroy());
      response.write(body.subarray(0, HALF));
    } else response.end(body);
  };
  return listener;
}

describe('an interrupted download', () => {
  const state = { breaks: 1, etag: '"one"', requests: [] as IncomingMessage[], ignoresRange: false };
  const server = createServer(releaseServer(state));
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  let url: string;
  const downloads = createDownloads(8_000);

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/k3s`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    Object.assign(state, { breaks: 1, etag: '"one"', requests: [], ignoresRange: false });
    fixture = await createFixture({});
  });
  afterEach(() => fixture.rm());

  const to = (): string => fixture.getPath('k3s');
  const onProgress = ({ bytes }: { readonly bytes: number }) => bytes >= HALF && reader.emit('half');
  const fetch = () => downloads.fetch({ url, to: to(), sha256, onProgress });
  const failHalfWay = () => expect(fetch()).rejects.toMatchObject({ reason: 'download-failed' });
  const ranges = (): (string | undefined)[] => state.requests.map(({ headers }) => headers.range);
  const expectComplete = (): void => {
    expect(readFileSync(to()).equals(CONTENT)).toBe(true);
    expect(readdirSync(fixture.path)).toEqual(['k3s']);
  };

  it('is resumed where it stopped, and requests only the rest', async () => {
    await failHalfWay();
    expect(readdirSync(fixture.path).filter((name) => name.endsWith('.part'))).toHaveLength(1);
    const progress: number[] = [];
    await downloads.fetch({ url, to: to(), sha256, onProgress: ({ bytes }) => progress.push(bytes) });
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
    expect(state.requests[1]?.headers['if-range']).toBe('"one"');
    expect(progress[0]).toBeGreaterThan(HALF);
    expectComplete();
  });

  it('starts over when the server has another file', async () => {
    await failHalfWay();
    state.etag = '"two"';
    await fetch();
    expect(ranges()).toHaveLength(2);
    expectComplete();
  });

  it('starts over when the server ignores ranges', async () => {
    await failHalfWay();
    state.ignoresRange = true;
    await fetch();
    expectComplete();
  });

  it('starts over when the partial file does not belong to this file', async () => {
    await failHalfWay();
    const [part = ''] = readdirSync(fixture.path).filter((name) => name.endsWith('.part'));
    await fixture.writeFile(part, Buffer.alloc(HALF));
    await fetch();
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    expectComplete();
  });

  it('is resumed after a killed run, and left alone while another run writes it', async () => {
    const { pid: dead } = spawnSync('true');
    const origin = JSON.stringify({ url, validator: '"one"' });
    state.breaks = 0;
    await fixture.writeFile(`.k3s.${dead}-aa.part`, CONTENT.subarray(0, HALF));
    await fixture.writeFile(`.k3s.${dead}-aa.part.from`, origin);
    await fetch();
    expect(ranges()).toEqual([`bytes=${HALF}-`]);
    expectComplete();

    // Process 1 always runs.
    await fixture.writeFile('.k3s.1-aa.part', CONTENT.subarray(0, HALF));
    await fixture.writeFile('.k3s.1-aa.part.from', origin);
    await fetch();
    expect(ranges()).toEqual([`bytes=${HALF}-`, undefined]);
    expect(readdirSync(fixture.path)).toEqual(['.k3s.1-aa.part', '.k3s.1-aa.part.from', 'k3s']);
  });

  it('is not resumed with the file of another address', async () => {
    await failHalfWay();
    await downloads.fetch({ url: `${url}-other`, to: to(), sha256 });
    expect(ranges()).toEqual([undefined, undefined]);
    expectComplete();
  });

  it('is kept for the next run after an interrupt', async () => {
    state.breaks = 1;
    const controller = new AbortController();
    const work = downloads.fetch({
      url,
      to: to(),
      sha256,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stop')),
    });
    await expect(work).rejects.toThrow('stop');
    await fetch();
    expect(ranges()[1]).toMatch(/^bytes=\d+-$/);
    expectComplete();
  });
});
