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

/** Says `half` when so much was read. */
const reader = new EventEmitter();

/** A release server that can break its line half way, and gives the rest of a file to whoever names it rightly. */
function releases(state: { breaks: number; etag: string; asks: IncomingMessage[]; ignoresRange?: boolean }) {
  const listener: RequestListener = (request, response) => {
    state.asks.push(request);
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
      // What has come and was not read yet is lost with the line.
      void once(reader, 'half').then(() => response.destroy());
      response.write(body.subarray(0, HALF));
    } else response.end(body);
  };
  return listener;
}

describe('an interrupted download', () => {
  const state = { breaks: 1, etag: '"one"', asks: [] as IncomingMessage[], ignoresRange: false };
  const server = createServer(releases(state));
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
    Object.assign(state, { breaks: 1, etag: '"one"', asks: [], ignoresRange: false });
    fixture = await createFixture({});
  });
  afterEach(() => fixture.rm());

  const to = (): string => fixture.getPath('k3s');
  const onProgress = ({ bytes }: { readonly bytes: number }) => bytes >= HALF && reader.emit('half');
  const fetch = () => downloads.fetch({ url, to: to(), sha256, onProgress });
  const breakOff = () => expect(fetch()).rejects.toMatchObject({ reason: 'download-failed' });
  const ranges = (): (string | undefined)[] => state.asks.map(({ headers }) => headers.range);
  const whole = (): void => {
    expect(readFileSync(to()).equals(CONTENT)).toBe(true);
    expect(readdirSync(fixture.path)).toEqual(['k3s']);
  };

  it('is resumed where it stopped, and requests only the rest', async () => {
    await breakOff();
    expect(readdirSync(fixture.path).filter((name) => name.endsWith('.part'))).toHaveLength(1);
    const progress: number[] = [];
    await downloads.fetch({ url, to: to(), sha256, onProgress: ({ bytes }) => progress.push(bytes) });
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
    expect(state.asks[1]?.headers['if-range']).toBe('"one"');
    expect(progress[0]).toBeGreaterThan(HALF);
    whole();
  });

  it('starts over when the server has another file', async () => {
    await breakOff();
    state.etag = '"two"';
    await fetch();
    expect(ranges()).toHaveLength(2);
    whole();
  });

  it('starts over when the server ignores ranges', async () => {
    await breakOff();
    state.ignoresRange = true;
    await fetch();
    whole();
  });

  it('starts over when the partial file is not of this file', async () => {
    await breakOff();
    const [part = ''] = readdirSync(fixture.path).filter((name) => name.endsWith('.part'));
    await fixture.writeFile(part, Buffer.alloc(HALF));
    await fetch();
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    whole();
  });

  it('is resumed after a killed run, and left alone while another run writes it', async () => {
    const { pid: dead } = spawnSync('true');
    const origin = JSON.stringify({ url, validator: '"one"' });
    state.breaks = 0;
    await fixture.writeFile(`.k3s.${dead}-aa.part`, CONTENT.subarray(0, HALF));
    await fixture.writeFile(`.k3s.${dead}-aa.part.from`, origin);
    await fetch();
    expect(ranges()).toEqual([`bytes=${HALF}-`]);
    whole();

    // Process 1 is always there.
    await fixture.writeFile('.k3s.1-aa.part', CONTENT.subarray(0, HALF));
    await fixture.writeFile('.k3s.1-aa.part.from', origin);
    await fetch();
    expect(ranges()).toEqual([`bytes=${HALF}-`, undefined]);
    expect(readdirSync(fixture.path)).toEqual(['.k3s.1-aa.part', '.k3s.1-aa.part.from', 'k3s']);
  });

  it('is not resumed with the file of another address', async () => {
    await breakOff();
    await downloads.fetch({ url: `${url}-other`, to: to(), sha256 });
    expect(ranges()).toEqual([undefined, undefined]);
    whole();
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
    whole();
  });
});
