import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { releaseServers } from '../../src/rehearsal/artifacts.ts';
import { packTar, unpackTar } from '../../src/system/archives.ts';
import type { ShippedData } from '../../src/system/shipped.ts';
import { standIn } from './stand-ins.ts';

const ISTIOCTL = /\/(istioctl-[^/]+\.tar\.gz)(\.sha256)?$/;

/**
 * Serves the simulated releases on a local port, which ARTIFACTS_URL names. Its istioctl is an executable stand-in, because
 * the CLI starts it as a process.
 */
export async function startReleaseServer(
  shipped: ShippedData,
  socket: string,
): Promise<{ server: Server; url: string }> {
  const artifactAt = releaseServers(shipped);

  const find = async (path: string): Promise<Uint8Array | undefined> => {
    const [, name, sum] = ISTIOCTL.exec(path) ?? [];
    if (name === undefined) return (await artifactAt(path))?.bytes;
    const served = await artifactAt(path.replace(/\.sha256$/, ''));
    if (served === undefined) return undefined;
    const description = (await unpackTar(served.bytes)).get('istioctl')?.content ?? '';
    const program = standIn(
      'istioctl',
      socket,
      Buffer.from(description as Uint8Array)
        .toString('utf8')
        .trim(),
    );
    const bytes = gzipSync(await packTar([{ name: 'istioctl', content: program, mode: 0o755 }]));
    const digest = createHash('sha256').update(bytes).digest('hex');
    return sum === undefined ? bytes : Buffer.from(`${digest} ${name}\n`);
  };

  const server = createServer((request, response) => {
    void find(request.url ?? '').then((bytes) => {
      response.writeHead(bytes === undefined ? 404 : 200, { 'content-length': bytes?.length ?? 0 });
      response.end(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
