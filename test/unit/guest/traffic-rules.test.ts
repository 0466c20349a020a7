import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { long, sampled } from '../../support/sampled.ts';
import { shipped } from './shipped.ts';

const temp = mkdtempSync(join(tmpdir(), 'istio-vms-rules-'));
afterAll(() => rmSync(temp, { recursive: true }));

/** Runs a script as root in a separate network namespace, so that the rules of this computer stay unchanged. */
function inNamespace(script: string, env: Readonly<Record<string, string>> = {}) {
  return spawnSync('unshare', ['--net', 'sh', '-c', script], {
    encoding: 'utf8',
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ...env },
  });
}

const prerequisites = ['iptables-nft -t nat -S', 'iptables-legacy -t nat -S', 'python3 -c 0', 'getent passwd daemon'];
const possible = process.platform === 'linux' && inNamespace(prerequisites.join(' && ')).status === 0;

/** The scripts with the paths of this test, and with the user daemon instead of istio-proxy. */
function prepared(version: string, hasAgent = true) {
  const root = mkdtempSync(join(temp, `${version}-`));
  chmodSync(root, 0o755);
  const local = (text: string): string =>
    text
      .replaceAll('istio-proxy', 'daemon')
      .replaceAll(/(?<![\w}])\/(usr\/local|var\/lib\/istio|var\/run\/secrets|etc\/(?:istio|certs))/g, `${root}/$1`);
  const put = (path: string, text: string, mode = 0o755): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
  };
  put('usr/local/lib/istio-vms/hosts-block', '#!/bin/sh\n');
  for (const name of ['prepare', 'cleanup']) put(`usr/local/lib/istio-vms/${name}`, local(shipped.guest[name] ?? ''));
  put('var/lib/istio-vms/root-cert.pem', 'ROOT\n', 0o644);
  const agent = readFileSync('test/acceptance/bootstrap/package/pilot-agent', 'utf8').replaceAll('@VERSION@', version);
  if (hasAgent) put('usr/local/bin/pilot-agent', agent);
  const lib = `${root}/usr/local/lib/istio-vms`;
  return { root, prepare: `${lib}/prepare`, cleanup: `${lib}/cleanup`, agent: `${root}/usr/local/bin/pilot-agent` };
}

const VERB = (version: string): string =>
  Number(version.split('.')[1]) < 24 ? 'istio-clean-iptables' : 'istio-iptables --cleanup-only';
const settings = (version: string) => ({
  ISTIO_VMS_RULES_CLEANUP: VERB(version),
  ISTIO_INBOUND_PORTS: '*',
  ISTIO_META_DNS_CAPTURE: 'true',
});

/** Rules of other programs, in both backends and both families, which must stay unchanged. */
const FOREIGN_RULES = ['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy']
  .map(
    (tables) => `
  ${tables} -t nat -A OUTPUT -p tcp --dport 2222 -m comment --comment "theirs, not ours" -j RETURN 2>/dev/null
  ${tables} -t filter -A INPUT -p tcp --dport 15053 -j ACCEPT 2>/dev/null`,
  )
  .join('\n');
const DUMP = `
for tables in iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy; do
  echo "== $tables"
  $tables-save 2>/dev/null | grep '^-A'
done
true`;

/** The lines of the dump by backend. */
function rulesOf(stdout: string): Readonly<Record<string, readonly string[]>> {
  const sections = stdout.split(/^== /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const [name = '', ...lines] = section.trimEnd().split('\n');
      return [name, lines];
    }),
  );
}

const GUARD = /^-A OUTPUT -p tcp .*--sport 22 .*--comment istio-vms -j RETURN$/;
/** One version for each way in which istio-iptables chooses its backend. */
const VERSIONS = ['1.30.3', '1.24.6', '1.19.3'];

describe.runIf(possible && long)('prepare and cleanup with both backends of iptables', () => {
  it.each(VERSIONS.flatMap((version) => ['on a fresh machine', 'with legacy tables'].map((how) => [version, how])))(
    'put the guard before the rules of Istio %s %s, in the same backend',
    (version, how) => {
      const { prepare } = prepared(version);
      const before = how === 'with legacy tables' ? 'iptables-legacy -t nat -S >/dev/null' : 'true';
      // The second start runs while the rules of the first one are in place.
      const start = `{ ${prepare} >/dev/null && ${DUMP}; }`;
      const ran = inNamespace([before, start, 'echo === second', start].join(' && '), settings(version));
      expect(ran).toMatchObject({ status: 0, stderr: '' });
      for (const dump of ran.stdout.split('=== second\n')) {
        const backends = Object.values(rulesOf(dump)).filter((lines) =>
          lines.some((line) => / -j ISTIO_OUTPUT$/.test(line)),
        );
        expect(backends).toHaveLength(1);
        const output = backends[0]?.filter((line) => line.startsWith('-A OUTPUT')) ?? [];
        expect(output[0]).toMatch(GUARD);
        expect(output.filter((line) => GUARD.test(line))).toHaveLength(1);
      }
    },
  );

  it.each(VERSIONS)('remove the rules of Istio %s and no others', (version) => {
    const { prepare, cleanup } = prepared(version);
    const script = `${FOREIGN_RULES}\n{ ${DUMP}\n} >$OUT.before; ${prepare} >/dev/null && ${cleanup}; ${DUMP}`;
    const ran = inNamespace(script, { ...settings(version), OUT: join(temp, version) });
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toBe(readFileSync(`${join(temp, version)}.before`, 'utf8'));
  });

  it.each(['iptables-nft', 'iptables-legacy'])('remove the rules from %s when the agent is gone', (tables) => {
    const { agent } = prepared('1.19.3');
    const { cleanup } = prepared('1.19.3', false);
    // The oldest version uses the plain iptables command.
    const bin = mkdtempSync(join(temp, 'bin-'));
    const plain = `for end in '' -restore -save; do ln -s "$(command -v ${tables}$end)" ${bin}/iptables$end; done; PATH=${bin}:$PATH`;
    const script = `${plain}; export PATH; ${FOREIGN_RULES}\n{ ${DUMP}\n} >$OUT.before
      PROXY_UID=1 PROXY_GID=1 ${agent} istio-iptables >/dev/null 2>&1
      ${tables} -t nat -I OUTPUT -p tcp --sport 22 -m comment --comment istio-vms -j RETURN
      ${tables} -t raw -A OUTPUT -p udp --dport 53 -m owner --uid-owner 1 -j CT --zone 1
      ${tables}-save 2>/dev/null | grep -c ISTIO_ >&2; ${cleanup}; ${DUMP}`;
    const ran = inNamespace(script, { ...settings('1.19.3'), OUT: join(temp, tables) });
    expect(Number(ran.stderr)).toBeGreaterThan(15);
    expect(ran.stdout).toBe(readFileSync(`${join(temp, tables)}.before`, 'utf8'));
  });

  it('work on a machine with only iptables-nft', () => {
    const { prepare, cleanup } = prepared('1.30.3');
    const bin = mkdtempSync(join(temp, 'nft-'));
    const words = [
      'sh',
      'env',
      'id',
      'install',
      'chown',
      'mv',
      'cat',
      'grep',
      'awk',
      'sed',
      'openssl',
      'rm',
      'ip6tables-nft',
    ];
    const tables = ['', '-save', '-restore'].flatMap((end) => [`iptables${end}`, `iptables-nft${end}`]);
    for (const word of [...words, ...tables]) {
      const { stdout } = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin; command -v ${word}`], {
        encoding: 'utf8',
      });
      symlinkSync(stdout.trim(), join(bin, word));
    }
    const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
    symlinkSync(python.stdout.trim(), join(bin, 'python3'));
    const count = (pattern: string): string => `iptables-save | grep -c -e '${pattern}'`;
    const ran = inNamespace(
      `PATH=${bin}; export PATH; ${prepare} >/dev/null && ${count('istio-vms\\|-j ISTIO_OUTPUT')} && ${cleanup} && ${count('^-A')}`,
      settings('1.30.3'),
    );
    expect([ran.stdout, ran.stderr]).toEqual(['2\n0\n', '']);
  });

  it('do not create legacy tables', () => {
    const { prepare, cleanup } = prepared('1.19.3');
    const script = `${prepare} >/dev/null && ${cleanup} && ! grep . /proc/net/ip_tables_names /proc/net/ip6_tables_names`;
    expect(inNamespace(script, settings('1.19.3'))).toMatchObject({ status: 0, stdout: '' });
  });
});

describe.skipIf(!possible)('prepare', () => {
  it('gives the user of the agent every directory that it writes to, even those that root created first', () => {
    const { root, prepare } = prepared('1.30.3');
    for (const path of ['var/run/secrets/workload-spiffe-uds', 'etc/istio/proxy', 'etc/certs']) {
      mkdirSync(join(root, path), { recursive: true });
    }
    for (const path of ['etc/istio/proxy/envoy-rev.json', 'etc/certs/key.pem']) writeFileSync(join(root, path), 'x');
    expect(inNamespace(`${prepare} >/dev/null`, settings('1.30.3'))).toMatchObject({ status: 0, stderr: '' });
    const writable = [
      'var/run/secrets',
      'var/run/secrets/tokens',
      'var/run/secrets/workload-spiffe-uds',
      'etc/istio/proxy',
      'etc/istio/proxy/envoy-rev.json',
      'etc/certs',
      'etc/certs/root-cert.pem',
      'etc/certs/key.pem',
      'var/lib/istio/data',
    ];
    expect(writable.filter((path) => statSync(join(root, path)).uid !== 1)).toEqual([]);
  });

  const IDENTITIES = [
    ['spiffe://cluster.local/ns/vmns/sa/vmsa', true],
    ['spiffe://cluster.local/ns/vmns/sa/other', false],
    ['spiffe://corp.example/ns/vmns/sa/vmsa', false],
  ];
  it.each(sampled(IDENTITIES, 2))('keeps a certificate of %s: %s', (identity, kept) => {
    const { root, prepare } = prepared('1.30.3');
    const certs = join(root, 'etc/certs');
    mkdirSync(certs, { recursive: true });
    const make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / -days 1 \
      -addext 'subjectAltName=critical,URI:${identity}' -keyout ${certs}/key.pem -out ${certs}/cert-chain.pem`;
    const env = { ...settings('1.30.3'), ISTIO_VMS_IDENTITY: 'spiffe://cluster.local/ns/vmns/sa/vmsa' };
    const ran = inNamespace(`${make} 2>/dev/null && ${prepare} >/dev/null`, env);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(['cert-chain.pem', 'key.pem'].map((name) => existsSync(join(certs, name)))).toEqual([kept, kept]);
  });
});
