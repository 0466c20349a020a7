import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFixture, type FsFixture } from 'fs-fixture';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('../../acceptance/mesh/k3s', import.meta.url));
const VERSION = 'v1.34.9+k3s7';
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
const hasYaml = python !== '' && spawnSync(python, ['-c', 'import yaml']).status === 0;

describe.skipIf(python === '')('the stand-in for the file k3s', () => {
  let folder: FsFixture;

  beforeAll(async () => {
    folder = await createFixture({
      // The configuration files below are JSON, which is YAML too, for computers without python3-yaml.
      'two.yaml': '{"node-ip": "192.0.2.1", "disable": ["traefik"], "node-label": "a=b", "token": "file"}',
      'two.yaml.d/10.yaml': '{"disable+": ["servicelb"], "node-label": ["c=d"]}',
      'two.yaml.d/20.txt': '{"disable": []}',
      ...(hasYaml ? {} : { 'modules/yaml.py': 'from json import loads as safe_load\n' }),
    });
    const source = folder.getPath('k3s');
    cpSync(PACKAGE, source, { recursive: true });
    await folder.writeFile('k3s/version.py', `VERSION = '${VERSION}'\n`);
    const pack = ['-m', 'zipapp', source, '-o', folder.getPath('k3s.pyz')];
    expect(spawnSync(python, pack, { encoding: 'utf8' }).stderr).toBe('');
  });
  afterAll(() => folder.rm());

  const environment = (more: Readonly<Record<string, string>> = {}) => ({
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    PYTHONPATH: folder.getPath('modules'),
    K3S_CONFIG_FILE: folder.getPath('config.yaml'),
    ...more,
  });

  /** Runs the packed program. In every test, a server or an agent stops at its configuration. */
  function k3s(args: readonly string[], env?: Readonly<Record<string, string>>) {
    const { status, stdout, stderr } = spawnSync(python, [folder.getPath('k3s.pyz'), ...args], {
      env: environment(env),
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  /** Returns the value of a Python expression over its modules, passed as JSON. */
  function evaluate(modules: string, expression: string, env?: Readonly<Record<string, string>>): unknown {
    const code = `import sys; sys.path.insert(0, sys.argv[1]); import json, ${modules}; print(json.dumps(${expression}))`;
    const { stdout, stderr } = spawnSync(python, ['-c', code, folder.getPath('k3s.pyz')], {
      env: environment(env),
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  const configure = (content: unknown) => folder.writeFile('config.yaml', JSON.stringify(content));

  it('reports the version that was packed', () => {
    expect(k3s(['--version'])).toMatchObject({
      status: 0,
      stdout: `k3s version ${VERSION} (00000000)\ngo version go1.24.9\n`,
    });
  });

  it('refuses an unknown command with exit code 3', () => {
    expect(k3s(['etcd-snapshot'])).toEqual({ status: 3, stdout: '', stderr: "No help topic for 'etcd-snapshot'\n" });
  });

  it('refuses a server key in the configuration of an agent', async () => {
    await configure({ server: 'https://192.0.2.1:6443', disable: ['traefik'] });
    const { status, stderr } = k3s(['agent']);
    expect(status).toBe(1);
    expect(stderr).toContain('Incorrect Usage: flag provided but not defined: -disable\n');
    expect(stderr).toMatch(/level=fatal msg="flag provided but not defined: -disable"\n$/);
  });

  it('skips an unknown key of a server with a warning', async () => {
    await configure({ bogus: 1, 'node-ip': '192.0.2.1', 'cluster-cidr': '10.50.0.0/16' });
    const { status, stderr } = k3s(['server']);
    expect(status).toBe(1);
    expect(stderr).toContain('level=warning msg="Unknown flag --bogus found in config.yaml, skipping"');
    expect(stderr).toMatch(/level=fatal msg="stand-in: cluster-cidr can only be 10.42.0.0\/16"\n$/);
  });

  it('refuses flags on the command line', () => {
    expect(k3s(['server', '--disable', 'traefik'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/level=fatal msg="stand-in: flags go into config.yaml/),
    });
  });

  it('reads drop-ins after the file, and unset keys from the environment', () => {
    const env = { K3S_CONFIG_FILE: folder.getPath('two.yaml'), K3S_TOKEN: 'x', K3S_NODE_NAME: 'n1' };
    const config = evaluate('config', 'config.load("server").__dict__', env);
    expect(config).toEqual({
      role: 'server',
      values: {
        'node-ip': '192.0.2.1',
        disable: ['traefik', 'servicelb'],
        'node-label': ['c=d'],
        token: 'file',
        'node-name': 'n1',
      },
      arguments: [
        ...['--node-ip', '192.0.2.1', '--disable', 'traefik', '--disable', 'servicelb', '--node-label', 'c=d'],
        ...['--token', 'file'],
      ],
    });
  });

  it('annotates a node as k3s does, without secrets', () => {
    const config = 'config.Config("server", {"node-name": "n1", "node-ip": "192.0.2.1"}, %)';
    const annotations = (args: string, env: string) =>
      evaluate('config, nodeconfig', `nodeconfig.annotations(${config.replace('%', args)}, ${env})`);
    // The hash is the one of k3s's own test, pkg/nodeconfig/nodeconfig_test.go.
    expect(annotations('["--flannel-backend", "none"]', '{"K3S_NODE_NAME": "fakeNode-with-annotation"}')).toEqual({
      'k3s.io/hostname': 'n1',
      'k3s.io/internal-ip': '192.0.2.1',
      'k3s.io/node-args': '["server","--flannel-backend","none"]',
      'k3s.io/node-env': '{"K3S_NODE_NAME":"fakeNode-with-annotation"}',
      'k3s.io/node-config-hash': '5E6GSWFRVCOEB3BFFVXKWVD7IQEVJFJAALHPOTCLV7SL33N6SIYA====',
    });
    expect(annotations('["--token", "secret"]', '{"K3S_TOKEN": "secret", "HOME": "/"}')).toMatchObject({
      'k3s.io/node-args': '["server","--token","********"]',
      'k3s.io/node-env': '{"K3S_TOKEN":"********"}',
    });
  });

  it('creates a CA and certificates that openssl verifies, and renews them with the same key', () => {
    const at = (name: string) => folder.getPath(`tls/${name}`);
    const make = (renew: string) =>
      `certificates.make_certificate(${JSON.stringify(at('server-ca'))}, ${JSON.stringify(
        at('node'),
      )}, "/CN=n1", "serverAuth", ["DNS:n1", certificates.alternative_name("192.0.2.1")], renew=${renew})`;
    const read = `[system.read(p) for p in ${JSON.stringify([at('node.key'), at('node.crt')])}]`;
    const steps = [`certificates.make_authority(${JSON.stringify(at('server-ca'))})`, make('False'), read];
    const [, , first, , kept, , renewed, mode] = evaluate(
      'os, certificates, system',
      `[${[...steps, make('False'), read, make('True'), read, `os.stat(${JSON.stringify(at('node.key'))}).st_mode & 0o777`].join(', ')}]`,
    ) as [null, null, string[], null, string[], null, string[], number];
    expect(kept).toEqual(first);
    expect(renewed[0]).toBe(first[0]);
    expect(renewed[1]).not.toBe(first[1]);
    expect(mode).toBe(0o600);
    const verify = ['verify', '-CAfile', at('server-ca.crt'), '-purpose', 'sslserver', '-verify_ip', '192.0.2.1'];
    expect(spawnSync('openssl', [...verify, at('node.crt')], { encoding: 'utf8' }).stdout).toContain(': OK');
  });

  it('keeps the finalizer of a deleted node until its password is deleted', () => {
    const api = `type("Api", (), {
      "items": lambda self, path: [
        {"metadata": {"name": "old", "resourceVersion": "7", "deletionTimestamp": "now", "finalizers": ["wrangler.cattle.io/node"]}, "status": {}},
        {"metadata": {"name": "new", "resourceVersion": "8"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.2"}]}}],
      "call": lambda self, method, path, body=None: calls.append([method, path]) or (200, {"data": {}}),
      "merge": lambda self, path, body: calls.append([path, body]) or 200})()`;
    expect(evaluate('nodes', `(lambda calls: nodes.Nodes(${api}, "master").update() or calls)([])`)).toEqual([
      ['DELETE', '/api/v1/namespaces/kube-system/secrets/old.node-password.k3s'],
      ['/api/v1/nodes/old', { metadata: { resourceVersion: '7', finalizers: [] } }],
      ['/api/v1/nodes/new', { metadata: { resourceVersion: '8', finalizers: ['wrangler.cattle.io/node'] } }],
      ['GET', '/api/v1/namespaces/kube-system/configmaps/coredns'],
      ['/api/v1/namespaces/kube-system/configmaps/coredns', { data: { NodeHosts: '192.0.2.2 new\n' } }],
    ]);
  });
});
