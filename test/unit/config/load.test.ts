import { describe, expect, test } from 'vitest';
import { exportedVariables } from '../../../src/config/environment.ts';
import { host, load, problems } from './fixtures.ts';

function value(name: string, input: Parameters<typeof load>[0] = {}) {
  return load(input).values.find((each) => each.name === name);
}

test('loads the lab of the article when nothing is set', () => {
  const { config, warnings, endOfLife } = load();
  expect(config).toEqual({
    lab: 'lab',
    labSize: 'article',
    engine: 'multipass',
    engineSettings: {},
    runOs: '22.04',
    istio: {
      version: '1.19.3',
      minor: '1.19',
      revision: '1-19-3',
      namespace: 'istio-system',
      meshId: 'vmmesh',
      cluster: 'test',
      endOfLife: { newestTested: '1.31.4' },
    },
    k3s: {
      version: 'v1.28.15+k3s1',
      workers: 2,
      master: 'k3s-master',
      workerNames: ['k3s-worker-1', 'k3s-worker-2'],
      masterSize: { cpus: 2, memory: '1G', disk: '4G' },
      workerSize: { cpus: 2, memory: '8G', disk: '8G' },
    },
    workloads: [
      {
        name: 'vm-istio-external-workload',
        size: { cpus: 2, memory: '1G', disk: '4G' },
        app: 'external-app',
        appPort: 8000,
        demo: true,
        namespace: 'vmns',
        serviceAccount: 'vmsa',
      },
    ],
    networks: { cluster: 'kube-network', vm: 'vm-network' },
    gateway: {
      status: { outside: 15022, inside: 15021 },
      istiod: { outside: 15013, inside: 15012 },
      webhook: { outside: 15018, inside: 15017 },
    },
    containerTool: 'docker',
    launches: 2,
    paths: {
      data: '/home/ana/lab/.data',
      bin: '/home/ana/lab/.bin',
      temp: '/home/ana/lab/.tmp',
      kubeconfig: '/home/ana/lab/.data/.kubeconfig',
      workloadFiles: '/home/ana/lab/.data/workload-files',
      machinesRecord: '/home/ana/lab/.data/machines.json',
      istioctlLink: '/home/ana/lab/.bin/istioctl',
      istioctl: '/home/ana/lab/.bin/istioctl-1.19.3',
      manifests: '/home/ana/lab/.tmp/manifests',
      logs: '/home/ana/lab/.tmp/logs',
      cache: '/home/ana/.cache/istio-vms',
    },
    context: 'istio-vms-lab',
  });
  expect(warnings).toEqual([]);
  expect(endOfLife).toBe('Istio 1.19 is end-of-life; the newest tested version is 1.31.4.');
});

test('prefers flag, environment, run.env and default in this order, and records the origin', () => {
  const text = '\nexport WORKERS=3\n';
  const env = host({ WORKERS: '4' });
  expect(value('WORKERS')).toEqual({ name: 'WORKERS', value: '2', origin: 'default' });
  expect(value('WORKERS', { text })).toEqual({ name: 'WORKERS', value: '3', origin: 'run.env', line: 2 });
  expect(value('WORKERS', { text, host: env })).toEqual({ name: 'WORKERS', value: '4', origin: 'environment' });
  expect(value('WORKERS', { text, host: env, flags: { WORKERS: '5' } })).toMatchObject({ value: '5', origin: 'flag' });
  expect(value('WORKERS', { host: host({ WORKERS: '' }) })).toMatchObject({ origin: 'default' });
  expect(value('ISTIO_REVISION')).toEqual({ name: 'ISTIO_REVISION', value: '1-19-3', origin: 'derived' });
});

describe('defaults that depend on the version', () => {
  test.each([
    ['1.19.3', '1-19-3', 'v1.28.15+k3s1', true],
    ['1.24.6', '1-24-6', 'v1.31.14+k3s1', true],
    ['1.30.3', '1-30-3', 'v1.36.5+k3s1', false],
    ['1.30.0-rc.1', '1-30-0-rc-1', 'v1.36.5+k3s1', false],
    ['1.31.4', '1-31-4', 'v1.36.5+k3s1', false],
    ['1.32.0', '1-32-0', 'v1.36.5+k3s1', false],
  ])('are set for %s', (version, revision, k3s, old) => {
    const { config, warnings, endOfLife } = load({ flags: { ISTIO_VERSION: version } });
    expect(config.istio.revision).toBe(revision);
    expect(config.k3s.version).toBe(k3s);
    expect(config.istio.endOfLife !== undefined).toBe(old);
    expect(endOfLife !== undefined).toBe(old);
    expect(warnings).toEqual([]);
  });

  test('include pinned digests when there are any', () => {
    const { config } = load({ flags: { ISTIO_VERSION: '1.30.3' } });
    expect(config.k3s.digests).toHaveProperty('k3s');
  });
});

describe('a small lab', () => {
  const small = { flags: { LAB_SIZE: 'small' } };

  test('needs about 6 GB in total', () => {
    const {
      k3s,
      workloads: [vm],
    } = load(small).config;
    expect([k3s.masterSize.memory, k3s.workerSize.memory, vm.size.memory]).toEqual(['2G', '1536M', '1G']);
    expect(k3s.masterSize.cpus + 2 * k3s.workerSize.cpus + vm.size.cpus).toBe(5);
  });

  test('keeps sizes that are set explicitly', () => {
    const text = 'MEM_WORKER=3G\nMEM_MASTER=1G\n';
    const {
      k3s,
      workloads: [vm],
    } = load({ ...small, text, host: host({ MEM_VM: '2G' }) }).config;
    expect([k3s.masterSize.memory, k3s.workerSize.memory, vm.size.memory]).toEqual(['2G', '3G', '2G']);
    const flags = { LAB_SIZE: 'small', MEM_WORKER: '8G' };
    expect(load({ flags }).config.k3s.workerSize.memory).toBe('8G');
  });
});

describe('KUBECONFIG', () => {
  const ours = '/home/ana/lab/.data/.kubeconfig';

  test.each([
    '/home/ana/.kube/config',
    '/home/ana/.kube/config:/tmp/other',
    'config',
    `${ours}:${ours}`,
    '/home/ana/lab/.data',
  ])('is ignored with a warning when the environment sets it to %s', (foreign) => {
    const { config, warnings } = load({ host: host({ KUBECONFIG: foreign }) });
    expect(config.paths.kubeconfig).toBe(ours);
    expect(warnings[0]).toBe(`KUBECONFIG of the environment (${foreign}) is ignored; the lab has its own: ${ours}`);
  });

  test('is used from the environment when it is inside DATA_DIR', () => {
    const env = { DATA_DIR: '/srv/data', KUBECONFIG: '/srv/data/k' };
    const { config, warnings } = load({ host: host(env) });
    expect(config.paths.kubeconfig).toBe('/srv/data/k');
    expect(warnings).toEqual([]);
  });

  test('is used when run.env or a flag sets it', () => {
    const env = host({ KUBECONFIG: '/home/ana/.kube/config' });
    const text = 'KUBECONFIG=${KUBECONFIG:-"${DATA_DIR}/mine"}';
    expect(load({ text, host: env }).config.paths.kubeconfig).toBe('/home/ana/lab/.data/mine');
    const same = load({ text: 'KUBECONFIG=k', host: host({ KUBECONFIG: '/home/ana/lab/k' }) });
    expect(same.warnings.filter((line) => line.startsWith('KUBECONFIG'))).toEqual([]);
    expect(load({ host: env, flags: { KUBECONFIG: 'k' } }).config.paths.kubeconfig).toBe('/home/ana/lab/k');
  });

  test.each(['~/.kube/config', '/home/ana/.kube/lab', '.data', '../.kube/config', 'a:b', '/'])(
    'is refused when other programs may use the file: %s',
    (path) => {
      expect(problems({ flags: { KUBECONFIG: path } })[0]).toMatch(/^KUBECONFIG: /);
    },
  );
});

describe('the cache', () => {
  test.each([
    [host(), '/home/ana/.cache/istio-vms'],
    [host({ XDG_CACHE_HOME: '/mnt/My Disk' }), '/mnt/My Disk/istio-vms'],
    [host({ XDG_CACHE_HOME: 'relative' }), '/home/ana/.cache/istio-vms'],
    [host({}, { platform: 'darwin' }), '/home/ana/Library/Caches/istio-vms'],
    [host({ ISTIO_VMS_CACHE: 'c' }), '/home/ana/lab/c'],
  ])('is in the directory that the environment selects: %#', (computer, path) => {
    expect(load({ host: computer }).config.paths.cache).toBe(path);
  });
});

describe('configuration problems', () => {
  test('are listed one per line with value, origin and what is expected', () => {
    const reported = problems({
      text: '\nexport MEM_WORKER=8T\nexport VM_APP=$(whoami)\n',
      host: host({ WORKERS: '1000', VM_NAMESPACE: 'a\nb\u001b[31m' }),
      flags: { ISTIO_VERSION: '1.18.9', WORKER: '1' },
    });
    expect(reported).toEqual([
      'WORKER: "1" (flag); expected a variable of the configuration; perhaps WORKERS was meant.',
      'VM_APP: "$(whoami)" (run.env line 3); expected a plain value; the file is never executed, so write what the command would have printed.',
      'WORKERS: "1000" (environment); expected a whole number from 1 to 50.',
      'MEM_WORKER: "8T" (run.env line 2); expected a size of at least 128M, e.g. 1536M or 4G (no T).',
      'VM_NAMESPACE: "a\\nb\\u{1b}[31m" (environment); expected a DNS label: lower-case letters, digits and hyphens, no hyphen at either end, at most 63 characters.',
      'ISTIO_VERSION: "1.18.9" (flag); expected Istio 1.19 to 1.32 or later; the newest tested version is 1.31.4.',
    ]);
  });

  test('are shown with long values truncated', () => {
    expect(problems({ flags: { VM_APP: 'x'.repeat(5000) } })[0]).toContain(`"${'x'.repeat(80)}... (5000 characters)"`);
  });

  test('are reported for the cause, not for its consequences', () => {
    expect(problems({ flags: { DATA_DIR: 'a b' } })).toHaveLength(1);
    expect(problems({ flags: { ISTIO_VERSION: '1.19;x' } })).toHaveLength(1);
  });
});

test('loads the same lab from what `env` exports, in any directory', () => {
  const first = load({ text: 'ISTIO_VERSION=1.30.3\nISTIO_OVERLAY=o.yaml\nLAB_SIZE=small\n' });
  const env = Object.fromEntries(exportedVariables(first).map(({ name, value: text }) => [name, text]));
  const second = load({ host: host(env, { cwd: '/tmp/elsewhere' }) });
  expect(second.config).toEqual(first.config);
  expect(second.warnings).toEqual([]);
  expect(env).not.toHaveProperty('ISTIO_ARCH');
});
