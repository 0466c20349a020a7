import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority made with openssl, in the role of istiod. */
export interface CertificateAuthority {
  readonly root: string;
  /** A certificate for a server of these names. */
  readonly server: (names: readonly string[]) => Promise<KeyPair>;
  /** Signs a request for this identity, for a day. */
  readonly sign: (request: string, identity: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function createAuthority(): Promise<CertificateAuthority> {
  const directory = await mkdtemp(join(tmpdir(), 'ivb-ca-'));
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): Promise<unknown> => execa('openssl', args, { stdin: 'ignore' });
  const newKey = (path: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    path,
  ];
  let count = 0;

  await openssl(
    'req',
    '-x509',
    ...newKey(at('root.key')),
    '-out',
    at('root.pem'),
    '-days',
    '2',
    '-subj',
    '/O=istio-vms test mesh',
  );
  const root = await readFile(at('root.pem'), 'utf8');

  const sign = async (request: string, names: string): Promise<string> => {
    const name = at(String(++count));
    await writeFile(`${name}.csr`, request);
    await writeFile(`${name}.ext`, `subjectAltName=critical,${names}\n`);
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', at('root.pem'), '-CAkey', at('root.key'), '-CAcreateserial'],
      ...['-days', '1', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
    );
    return readFile(`${name}.pem`, 'utf8');
  };

  return {
    root,
    server: async (names) => {
      await openssl('req', '-new', ...newKey(at('server.key')), '-subj', '/', '-out', at('server.csr'));
      const request = await readFile(at('server.csr'), 'utf8');
      const certificate = await sign(request, names.map((name) => `DNS:${name}`).join(','));
      return { certificate, key: await readFile(at('server.key'), 'utf8') };
    },
    sign: async (request, identity) => `${await sign(request, `URI:${identity}`)}${root}`,
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
