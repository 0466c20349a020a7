import { readFile } from 'node:fs/promises';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** Ports of servers that fail in various ways when used as API server. */
export interface WrongServers {
  readonly nothingListens: number;
  readonly closes: number;
  readonly resets: number;
  readonly hangs: number;
  /** Closes after the TLS handshake, in the middle of the answer. */
  readonly closesLate: number;
  /** Answers 503 to everything. */
  readonly unavailable: number;
  /** Answers 429 to everything. */
  readonly busy: number;
  /** Reports Kubernetes 1.20. */
  readonly old: number;
}

/** @param pki directory with kube-apiserver's certificate, which these servers use, too */
export async function startWrongServers(pki: string): Promise<WrongServers> {
  const tls = { key: await readFile(`${pki}/apiserver.key`), cert: await readFile(`${pki}/apiserver.crt`) };
  const answering = (status: number, body: object, headers: Record<string, string> = {}) =>
    port(
      createHttps(tls, (_, response) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(body));
      }),
    );
  const failing = (code: number, reason: string, message: string) =>
    answering(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
  const version = { major: '1', minor: '20', gitVersion: 'v1.20.15', platform: 'linux/amd64' };
  return {
    nothingListens: 1,
    closes: await port(createServer((socket) => socket.on('error', () => undefined).destroy())),
    resets: await port(
      createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.resetAndDestroy())),
    ),
    hangs: await port(createServer((socket) => socket.on('error', () => undefined))),
    closesLate: await port(createHttps(tls, (_, response) => response.socket?.destroy())),
    unavailable: await failing(503, 'ServiceUnavailable', 'the server is currently unable to handle the request'),
    busy: await failing(429, 'TooManyRequests', 'Too many requests, please try again later.'),
    old: await answering(200, version),
  };
}

async function port(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
