import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createFixture } from 'fs-fixture';
import { afterAll, beforeAll, expect, it } from 'vitest';

const CONTENT = Buffer.alloc(2_000_000, 'k3s ');
const sha256 = createHash('sha256').update(CONTENT).digest('hex');

/** Sends each client the first half at once and the second half only when both are connected, so that both write at once. */
const waiting: ServerResponse[] = [];
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-length': CONTENT.length, etag: '"k3s"' });
  response.write(CONTENT.subarray(0, CONTENT.length / 2));
  if (waiting.push(response) === 2) for (const each of waiting) each.end(CONTENT.subarray(CONTENT.length / 2));
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('leaves one valid file and nothing else when two processes download at once', async () => {
  await using cache = await createFixture({});
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/k3s`;
  const run = async (): Promise<{ code: unknown; stdout: string; stderr: string }> => {
    const args = ['--import', 'tsx', 'test/unit/artifacts/obtain-once.ts', url, sha256, cache.path];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, stdout, stderr };
  };
  const runs = await Promise.all([run(), run()]);
  const path = `${cache.path}/sha256/${sha256}/k3s`.replace('//', '/');
  for (const { code, stdout, stderr } of runs) {
    expect(code, stderr).toBe(0);
    expect(stdout.replace('//', '/')).toBe(path);
  }
  expect(readFileSync(path).equals(CONTENT)).toBe(true);
  expect(
    readdirSync(cache.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
  ).toHaveLength(1);
}, 30_000);
