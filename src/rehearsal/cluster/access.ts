import { createHash } from 'node:crypto';
import { stringify } from 'yaml';

/** Text in the form of a PEM certificate that contains its subject. */
export function pem(subject: string): string {
  const body = Buffer.from(subject, 'utf8')
    .toString('base64')
    .replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** SHA-256 of a text in lower-case hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface Access {
  readonly ca: string;
  readonly clientCertificate: string;
  readonly kubeconfig: () => string;
  readonly agentToken: string;
  readonly sign: (text: string) => string;
}

/**
 * The secrets of a new cluster, all from one random seed; the join token has the secure form (docs/facts/k3s.md 2.5).
 */
export function createAccess(seed: string, agentPassword: string): Access {
  const ca = pem(`k3s-server-ca@${seed}`);
  const clientCertificate = base64(pem(`system:admin@${sha256(seed)}`));
  const key = base64(
    `-----BEGIN EC PRIVATE KEY-----\n${base64(sha256(`key ${seed}`))}\n-----END EC PRIVATE KEY-----\n`,
  );
  return {
    ca,
    clientCertificate,
    agentToken: `K10${sha256(ca)}::node:${agentPassword}`,
    sign: (text) => createHash('sha256').update(`${seed}\n${text}`).digest('base64url'),
    kubeconfig: () =>
      stringify(
        {
          apiVersion: 'v1',
          clusters: [
            {
              cluster: { 'certificate-authority-data': base64(ca), server: 'https://127.0.0.1:6443' },
              name: 'default',
            },
          ],
          contexts: [{ context: { cluster: 'default', user: 'default' }, name: 'default' }],
          'current-context': 'default',
          kind: 'Config',
          preferences: {},
          users: [{ name: 'default', user: { 'client-certificate-data': clientCertificate, 'client-key-data': key } }],
        },
        { lineWidth: 0 },
      ),
  };
}
