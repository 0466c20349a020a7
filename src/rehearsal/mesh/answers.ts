import type { HttpAnswer } from '../world.ts';

/** An HTTP answer that arrived. */
export const http = (status: number, body: string): HttpAnswer => ({ exit: 0, status, body, stderr: '' });

const failed = (exit: number, text: string): HttpAnswer => ({
  exit,
  status: 0,
  body: '',
  stderr: `curl: (${exit}) ${text}\n`,
});

export const noSuchHost = (host: string): HttpAnswer => failed(6, `Could not resolve host: ${host}`);
export const refused = (host: string, port: number): HttpAnswer =>
  failed(7, `Failed to connect to ${host} port ${port} after 1 ms: Couldn't connect to server`);
export const timedOut = (): HttpAnswer => failed(28, 'Connection timed out after 10001 milliseconds');
export const reset = (): HttpAnswer => failed(56, 'Recv failure: Connection reset by peer');

/** Envoy's own answers. */
export const noHealthyUpstream = (): HttpAnswer => http(503, 'no healthy upstream');
/** An AuthorizationPolicy refuses. */
export const rbacDenied = (): HttpAnswer => http(403, 'RBAC: access denied');
const UPSTREAM = 'upstream connect error or disconnect/reset before headers. ';
export const upstreamRefused = (): HttpAnswer =>
  http(
    503,
    `${UPSTREAM}retried and the latest reset reason: remote connection failure, transport failure reason: delayed connect error: 111`,
  );
export const upstreamTimeout = (): HttpAnswer => http(503, `${UPSTREAM}reset reason: connection timeout`);
export const upstreamClosed = (): HttpAnswer => http(503, `${UPSTREAM}reset reason: connection termination`);

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** The target of an `http:` URL, or undefined when curl could not parse it. */
export function targetOf(url: string): Target | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  return protocol === 'http:' ? { host: hostname, port: port === '' ? 80 : Number(port), path: pathname } : undefined;
}

/** curl's error for a URL that it cannot parse. */
export const badUrl = (): HttpAnswer => failed(3, 'URL using bad/illegal format or missing URL');

/** Whether this is an IPv4 literal. */
export const isAddress = (host: string): boolean => /^\d+(\.\d+){3}$/.test(host);
