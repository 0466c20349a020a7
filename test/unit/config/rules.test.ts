import { fc } from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import { SCHEMA, VARIABLE_NAMES, type VariableName } from '../../../src/config/schema.ts';
import { sizeInBytes } from '../../../src/config/syntax.ts';
import { host, load, problems } from './fixtures.ts';

const invalidVariables = (flags: Partial<Record<VariableName, string>>) =>
  problems({ flags }).map((line) => line.slice(0, line.indexOf(':')));

const at63 = `a${'b'.repeat(62)}`;

describe('the rules of the configuration', () => {
  test.each<[VariableName, readonly string[]]>([
    ['ISTIO_VERSION', ['1.18.9', '0.33.0', '1.19', 'v1.19.3', '1.19.3+x', '01.19.3', '1.19.03', '1.190.3', '']],
    ['ISTIO_REVISION', ['default', '1.19.3', '-a', 'a-', 'A', 'a'.repeat(57)]],
    ['K3S_VERSION', ['v1.24.17+k3s1', '1.28.15+k3s1', 'v1.28.15', 'v1.28.15-k3s1', 'latest']],
    ['ISTIO_ARCH', ['darwin-arm64', 'linux', 'win-amd64']],
    ['CONTAINER_TOOL', ['nerdctl', 'Docker', '/bin/docker', '']],
    ['LAB_SIZE', ['tiny', '']],
    ['RUN_OS', ['22', '22.4', '18.04', 'bionic', '22.04.1', 'file:///x', '']],
    ['WORKERS', ['0', '51', '1000', '-1', '1.5', '02', '1e1', '', '0x2']],
    ['LAUNCHES', ['0', '9']],
    ['CPU_MASTER', ['0', '1.5', '257', 'two']],
    ['MEM_MASTER', ['64M', '0', '1T', '1 G', '1GG', '-1G', '1.5', '100', '1CiG', 'G']],
    ['DISK_VM', ['511M', '100M']],
    ['VM_APP', ['1app', 'App', 'a_b', 'a.b', `${at63}x`]],
    ['VM_APP_PORT', ['0', '65536', '080', '22', '53', '15006', '15008', '15021']],
    ['WORKLOAD_VM_NAME', ['primary', '1vm', 'a-', 'a_b', 'a.b', `${at63}x`, 'k3s-master', 'K3S-worker-2']],
    ['NODE_PREFIX', ['K3s', '3k', 'a'.repeat(55)]],
    ['VM_NAMESPACE', ['kube-system', 'default', 'istio-system', 'sample', 'Vmns']],
    ['ISTIO_NAMESPACE', ['kube-public', 'a/b']],
    ['VM_NETWORK', ['kube-network']],
    ['EWG_PORT_STATUS', ['15021', '80', '443', '15443', '6443', '22', '10250', '15013']],
    ['EWG_PORT_TLS_ISTIOD', ['15022', '15021', '53', '6444', '10010', '10248', '10249']],
    ['EWG_PORT_TLS_WEBHOOK', ['10256', '10257', '10258', '10259']],
    ['DEFAULT_PORT_STATUS', ['15000', '15004', '15020', '15090', '15443', '15012']],
    ['DEFAULT_PORT_TLS_ISTIOD', ['15443', '15021', '15000', '15004', '15020', '15090', '1023']],
    ['DEFAULT_PORT_TLS_WEBHOOK', ['15443', '15021', '15000', '15004', '15020', '15090', '443']],
    [
      'DATA_DIR',
      ['/', '.', '..', '~', '/home', '/home/ana', 'a b', "a'b", 'a$b', '`a`', 'a\nb', 'a\0b', '-a', 'x/-a', ''],
    ],
    ['BIN_DIR', ['.data', './.data/']],
    ['TEMP_DIR', ['../lab/.bin']],
    ['ISTIO_OVERLAY', ['a b.yaml', '-f', 'a;b']],
    ['ISTIO_VMS_CACHE', ['/', '~']],
    [
      'ARTIFACTS_URL',
      [
        'mirror',
        'ftp://a',
        'https://u:p@a/',
        'https://a/?q',
        'https://a b',
        'https://a:99999',
        'file://host/a',
        'file:a',
      ],
    ],
  ])('refuse invalid values of %s', (name, values) => {
    for (const value of values) expect(invalidVariables({ [name]: value }), JSON.stringify(value)).toContain(name);
  });

  test('explain why a status port clashes', () => {
    expect(problems({ flags: { EWG_PORT_STATUS: '15021' } })).toEqual([
      'EWG_PORT_STATUS: "15021" (flag); expected a port other than 15021: it is the status port of the default ingress gateway, and the address would stay pending.',
    ]);
  });

  test('refuse an old release on which the kubelet does not start', () => {
    expect(invalidVariables({ RUN_OS: '20.04', ISTIO_VERSION: '1.30.3' })).toEqual(['RUN_OS']);
    expect(invalidVariables({ RUN_OS: '20.04' })).toEqual([]);
  });
});

test.each<[VariableName, readonly string[]]>([
  ['ISTIO_VERSION', ['1.19.10', '1.30.3', '1.20.0-rc.1']],
  ['K3S_VERSION', ['v1.27.7+k3s1', 'v1.36.5+k3s1']],
  ['RUN_OS', ['24.04', '26.04', 'noble', 'lts']],
  ['WORKERS', ['1', '50']],
  ['MEM_MASTER', ['128M', '1.5GiB', '2gb', '1073741824', '512MB']],
  ['WORKLOAD_VM_NAME', ['Vm', 'a', at63, 'k3s-worker-3']],
  ['EWG_PORT_TLS_ISTIOD', ['15012', '2379']],
  ['DEFAULT_PORT_TLS_ISTIOD', ['1024', '15112', '15008']],
  ['DEFAULT_PORT_STATUS', ['15021', '80']],
  ['VM_APP_PORT', ['80', '443', '8443']],
  ['DATA_DIR', ['/home/ana/lab/x', '~/labs/eins', '../größe', '/srv/a']],
  ['ARTIFACTS_URL', ['http://127.0.0.1:8080', 'https://mirror.example/a/b/', 'file:///srv/artifacts']],
])('accepts valid values of %s', (name, values) => {
  for (const value of values) expect(problems({ flags: { [name]: value } }), value).toEqual([]);
});

test('accepts any path as the working and home directory', () => {
  const computer = host({}, { cwd: "/home/Ana O'Neil/my lab", home: "/home/Ana O'Neil" });
  expect(load({ host: computer }).config.paths.data).toBe("/home/Ana O'Neil/my lab/.data");
});

test.each([
  ['1G', 2 ** 30],
  ['1.5GiB', 1.5 * 2 ** 30],
  ['512MB', 2 ** 29],
  ['8k', 8192],
  ['1073741824', 2 ** 30],
  ['10B', 10],
  ['1.5', undefined],
  ['1.5B', undefined],
  ['1T', undefined],
  ['', undefined],
])('parses size %s', (text, bytes) => {
  expect(sizeInBytes(text)).toBe(bytes);
});

/** Characters with a special meaning for a shell, a terminal or an option parser. */
const HOSTILE = [
  ' ',
  '"',
  "'",
  '`',
  '$(id)',
  '${X}',
  ';',
  '|',
  '&',
  '\n',
  '\r',
  '\t',
  '\0',
  '\u001b[2J',
  '<',
  '>',
  '*',
  '\\',
  '\u202e',
  '!',
];

test('refuses a hostile value in every variable', () => {
  const hostile = fc.tuple(
    fc.stringMatching(/^[a-z0-9]{0,5}$/),
    fc.constantFrom(...HOSTILE),
    fc.stringMatching(/^[a-z0-9]{0,5}$/),
  );
  fc.assert(
    fc.property(fc.constantFrom(...VARIABLE_NAMES), hostile, (name, parts) => {
      expect(invalidVariables({ [name]: parts.join('') })).toContain(name);
    }),
    { numRuns: 1000 },
  );
});

test('refuses a leading dash in every variable', () => {
  for (const name of VARIABLE_NAMES) expect(invalidVariables({ [name]: '--purge' })).toContain(name);
});

test('reports all problems at once', () => {
  fc.assert(
    fc.property(fc.subarray([...VARIABLE_NAMES], { minLength: 1 }), (names) => {
      const reported = new Set(invalidVariables(Object.fromEntries(names.map((name) => [name, '$(boom)']))));
      expect(reported).toEqual(new Set(names));
    }),
    { numRuns: 50 },
  );
});

test('accepts the default of every variable', () => {
  for (const name of VARIABLE_NAMES) {
    const { default: value, syntax } = SCHEMA[name];
    if (value !== '') expect(syntax.safeParse(value).success, name).toBe(true);
  }
});
