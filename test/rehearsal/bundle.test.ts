import { describe, expect, it } from 'vitest';
import { openBundle } from '../../src/artifacts/bundle.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { RunReport } from '../../src/plan/report.ts';
import { runPlan } from '../../src/plan/run.ts';
import { withBundle } from '../../src/steps/bundle.ts';
import { BUNDLE_LIMITS, planBundle, type BundleRequest, type CreatedBundle } from '../../src/steps/create-bundle.ts';
import { labSteps } from '../../src/steps/steps.ts';
import { failed } from '../../src/system/source.ts';
import type { ArchiveMember } from '../../src/system/system.ts';
import { cli, cliJson } from './support/cli.ts';
import { LINUX, refusals, commandLine, simulated, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const FILE = `${LINUX.cwd}/lab.tar`;
const IMAGES = '/var/lib/rancher/k3s/agent/images';

/** Creates a bundle on a simulated computer, as `bundle create` does. */
async function createBundle(computer: Simulated, over: Partial<BundleRequest> = {}, set = {}): Promise<CreatedBundle> {
  const lab = computer.lab({ set });
  const planned = planBundle(lab, { cpus: ['amd64', 'arm64'], output: FILE, imageArchives: [], ...over });
  const plan = makePlan(planned.steps, { kind: 'apply', targets: 'all' });
  const signal = new AbortController().signal;
  const { error } = await computer.drive(() =>
    runPlan({ plan, bounds: BUNDLE_LIMITS, clock: lab.system.clock, signal }),
  );
  await planned.cleanUp();
  if (error !== undefined) throw error;
  const created = planned.made();
  if (created === undefined) throw new Error('no bundle was created');
  return created;
}

/** Runs `up --bundle` on a simulated computer. */
async function upFromBundle(computer: Simulated, set = {}): Promise<RunReport> {
  const lab = computer.lab({ set });
  const { cache, temp } = lab.config.paths;
  const bundle = await openBundle(FILE, { files: lab.system.files, cacheDir: cache, tempDir: temp });
  const plan = makePlan(labSteps(withBundle(lab, bundle)), { kind: 'apply', targets: 'all' });
  const signal = new AbortController().signal;
  return computer.drive(() => runPlan({ plan, clock: lab.system.clock, signal }));
}

/** Copies the bundle to another computer. */
async function withBundleFile(to: Simulated): Promise<Simulated> {
  bundle ??= (async () => {
    const connected = watch(simulated());
    await createBundle(connected);
    return (await connected.files.read(FILE)) ?? new Uint8Array();
  })();
  await to.files.write(FILE, await bundle);
  return to;
}

/** Created once for all tests, because it has the same bytes each time, as a test below shows. */
let bundle: Promise<Uint8Array> | undefined;

const offline = (options: Parameters<typeof simulated>[0] = {}) =>
  watch(simulated({ faults: ['offline'], ...options }));

describe('bundle create', () => {
  it('contains every file and every image for both CPUs, and leaves no temporary files', async () => {
    const connected = watch(simulated());
    const { manifest } = await createBundle(connected);
    expect(manifest).toMatchObject({ istio: '1.19.3', k3s: 'v1.28.15+k3s1', cpus: ['amd64', 'arm64'] });
    expect(manifest.files.map(({ file }) => file)).toEqual([
      'istio-sidecar-arm64.deb',
      'istio-sidecar.deb',
      'istioctl-1.19.3-linux-amd64.tar.gz',
      'istioctl-1.19.3-linux-arm64.tar.gz',
      'istioctl-1.19.3-osx-amd64.tar.gz',
      'istioctl-1.19.3-osx-arm64.tar.gz',
      'k3s',
      'k3s-airgap-images-amd64.tar.zst',
      'k3s-airgap-images-arm64.tar.zst',
      'k3s-arm64',
    ]);
    expect(manifest.images.map(({ cpu, names }) => [cpu, names.length])).toEqual([
      ['amd64', 5],
      ['arm64', 5],
    ]);
    expect(await connected.files.list(`${connected.config.paths.temp}/bundle`)).toEqual([]);
    // Images for the CPU of this computer are pulled last, because a tool may keep only one image per name.
    const pulls = connected.transcript.map(commandLine).filter((line) => line.includes(' pull '));
    expect(pulls).toHaveLength(10);
    expect(pulls.at(-1)).toBe('docker pull --platform linux/amd64 docker.io/curlimages/curl:8.4.0');
  });

  it.each<[string, Partial<BundleRequest>, Record<string, string>, readonly string[]]>([
    ['those for the CPU by default', { cpus: ['amd64'] }, {}, ['linux-amd64', 'osx-amd64']],
    ['only that of ISTIO_ARCH', { cpus: ['amd64'] }, { ISTIO_ARCH: 'linux-amd64' }, ['linux-amd64']],
    ['those of --istioctl', { istioctl: ['linux-arm64', 'osx-arm64'] }, {}, ['linux-arm64', 'osx-arm64']],
    [
      'those of --istioctl instead of ISTIO_ARCH',
      { istioctl: ['osx-arm64'] },
      { ISTIO_ARCH: 'linux-amd64' },
      ['osx-arm64'],
    ],
  ])('contains these builds of istioctl: %s', async (_what, request, set, builds) => {
    const { manifest } = await createBundle(watch(simulated()), request, set);
    const names = manifest.files.filter(({ id }) => id === 'istioctl').map(({ file }) => file);
    expect(names).toEqual(builds.map((build) => `istioctl-1.19.3-${build}.tar.gz`));
  });

  it.each([
    ['hub and tag', 'hub: registry.example/istio\n  tag: 1.19.3-debug'],
    ['values.global', 'values: { global: { hub: registry.example/istio, tag: 1.19.3-debug } }'],
  ])("contains Istio's images as an overlay names them: %s", async (_what, spec) => {
    const connected = watch(simulated());
    await connected.files.write(
      `${LINUX.cwd}/overlay.yaml`,
      `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  ${spec}\n`,
    );
    const { manifest } = await createBundle(connected, { cpus: ['amd64'] }, { ISTIO_OVERLAY: 'overlay.yaml' });
    expect(manifest.images[0]?.names).toEqual(
      expect.arrayContaining([
        'registry.example/istio/pilot:1.19.3-debug',
        'registry.example/istio/proxyv2:1.19.3-debug',
      ]),
    );
  });

  it('does not need builds of istioctl that are not requested', async () => {
    const connected = watch(simulated());
    const { downloads } = connected.system;
    const withoutMac = <T extends { url: string } | string>(request: T): T => {
      if (JSON.stringify(request).includes('osx')) throw failed('macOS build', 'the mirror does not have it');
      return request;
    };
    Object.assign(connected.system, {
      downloads: {
        fetch: (request: Parameters<typeof downloads.fetch>[0]) => downloads.fetch(withoutMac(request)),
        text: (url: string, signal?: AbortSignal) => downloads.text(withoutMac(url), signal),
      },
    });
    await createBundle(connected, { cpus: ['amd64'] }, { ISTIO_ARCH: 'linux-amd64' });
    await createBundle(connected, { cpus: ['amd64'], istioctl: ['linux-amd64'] });
    await expect(createBundle(connected, { cpus: ['amd64'] })).rejects.toThrow('macOS build');
  });

  it('has the same bytes each time, on each computer and with each container tool', async () => {
    const computers = [simulated(), simulated(), simulated({ start: Date.parse('2027-05-01T00:00:00Z') })].map(watch);
    const sets = [{}, {}, { CONTAINER_TOOL: 'podman', ARTIFACTS_URL: 'http://mirror.example/x' }];
    const bundles = await Promise.all(computers.map((connected, index) => createBundle(connected, {}, sets[index])));
    expect(new Set(bundles.map(({ sha256 }) => sha256)).size).toBe(1);
    const bytes = await Promise.all(computers.map((connected) => connected.files.read(FILE)));
    expect(Buffer.compare(bytes[0] ?? Buffer.from('0'), bytes[2] ?? Buffer.from('2'))).toBe(0);
  });

  it('takes images from archives of the user without a container tool', async () => {
    const connected = watch(simulated());
    for (const image of [
      'docker.io/istio/pilot:1.19.3',
      'docker.io/istio/proxyv2:1.19.3',
      'docker.io/istio/examples-helloworld-v1:1.0',
      'docker.io/istio/examples-helloworld-v2:1.0',
      'docker.io/curlimages/curl:8.4.0',
    ]) {
      await connected.shell(`docker pull --platform linux/amd64 ${image}`);
      await connected.shell(`docker save --output /tmp/${image.replace(/\W/g, '-')}.tar ${image}`);
    }
    const imageArchives = (await connected.files.list('/tmp')).map((name) => `/tmp/${name}`);
    const before = connected.transcript.length;
    const { manifest } = await createBundle(connected, { cpus: ['amd64'], imageArchives });
    expect(manifest.images[0]?.names).toHaveLength(5);
    expect(connected.transcript.slice(before).map(commandLine)).toEqual([]);
  });

  it('fails when the container tool returns an image for another CPU', async () => {
    const connected = watch(simulated());
    const { processes } = connected.system;
    const run: typeof processes.run = (command, signal) =>
      processes.run({ ...command, args: command.args.map((arg) => arg.replace('linux/arm64', 'linux/amd64')) }, signal);
    Object.assign(connected.system, { processes: { ...processes, run } });
    await expect(createBundle(connected, { cpus: ['arm64'] })).rejects.toMatchObject({
      reason: 'tool-failed',
      message: expect.stringContaining('docker.io/istio/pilot:1.19.3 for arm64') as string,
    });
  });

  it('suggests the CPU for which it can be created when a file is not published for the other', async () => {
    const run = await cli(['bundle', 'create', '--rehearse', '--fault', 'arm64-deb-missing']);
    expect(run.code).toBe(5);
    expect(run.stderr).toContain('Try: Create the bundle for the other CPU only: --cpu amd64.');
    expect((await cli(['bundle', 'create', '--rehearse', '--fault', 'arm64-deb-missing', '--cpu', 'amd64'])).code).toBe(
      0,
    );
  });

  it('prints its contents, its path and its digest', async () => {
    const run = await cli(['bundle', 'create', '--rehearse', '--cpu', 'amd64', '--file', 'amd64.tar']);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/k3s-airgap-images-amd64\.tar\.zst/);
    expect(run.stdout).not.toContain('arm64');
    expect(run.stdout).toMatch(/amd64\.tar: .* sha256 [0-9a-f]{64}/);
    const { json } = await cliJson(['bundle', 'create', '--rehearse']);
    expect(json).toMatchObject({ outcome: 'ok', data: { bundle: { sha256: expect.any(String) as string } } });
  });

  it.each([
    [['bundle'], 2],
    [['bundle', 'burn'], 2],
    [['bundle', 'create', '--cpu', 'mips'], 2],
    [['bundle', 'create', '--istioctl', 'windows-amd64'], 2],
    [['bundle', 'create', '--rehearse', '--image-archive', 'absent.tar'], 2],
  ])('%j is refused', async (argv, code) => {
    expect((await cli(argv)).code).toBe(code);
  });
});

describe('up --bundle', () => {
  it('creates the lab on a computer without a network, where `up` without the bundle fails', async () => {
    const computer = await withBundleFile(offline());
    const report = await upFromBundle(computer);
    expect(report.error).toBeUndefined();
    expect(await computer.verify()).toMatchObject({ failed: [] });

    const other = await offline().up();
    expect(other.report.error?.reason).toBe('download-failed');
  });

  it('copies images to each node before k3s starts there, and the package to the VM', async () => {
    const computer = await withBundleFile(offline());
    const { steps } = await upFromBundle(computer);
    const at = new Map(steps.map(({ id, startedAt = 0, endedAt = 0 }) => [id, { startedAt, endedAt }]));
    const before = (earlier: string, later: string): boolean =>
      (at.get(earlier)?.endedAt ?? Infinity) <= (at.get(later)?.startedAt ?? 0);
    expect(before('images-master', 'k3s-server')).toBe(true);
    expect(before('images-worker-1', 'k3s-agent-1')).toBe(true);
    const on = (name: string): string[] =>
      [...computer.machine(name).files.keys()].filter((path) => path.startsWith(IMAGES)).sort();
    expect(on('k3s-master')).toEqual([`${IMAGES}/k3s-airgap-images.tar.zst`]);
    expect(on('k3s-worker-1')).toEqual([`${IMAGES}/istio-vms-images.tar`, `${IMAGES}/k3s-airgap-images.tar.zst`]);
    expect(computer.machine('k3s-worker-2').importedImages).toContain('docker.io/istio/proxyv2:1.19.3');
    expect(computer.machine('vm-istio-external-workload').packages.get('istio-sidecar')).toBe('1.19.3');
  });

  it('changes nothing the second time', async () => {
    const computer = await withBundleFile(offline());
    await upFromBundle(computer);
    const before = computer.transcript.length;
    const again = await upFromBundle(computer);
    expect({ changed: again.changed, error: again.error }).toEqual({ changed: 0, error: undefined });
    expect(computer.transcript.slice(before).filter(({ effect }) => effect === 'write')).toEqual([]);
  });

  it('imports images into a running cluster, and imports them again when they are lost', async () => {
    const computer = await withBundleFile(watch(simulated()));
    await computer.up();
    expect((await upFromBundle(computer)).error).toBeUndefined();
    const node = computer.machine('k3s-worker-1');
    expect(node.importedImages).toContain('docker.io/istio/pilot:1.19.3');
    node.files.delete(`${IMAGES}/istio-vms-images.tar`);
    const { steps } = await upFromBundle(computer);
    expect(steps.filter(({ outcome }) => outcome === 'changed').map(({ id }) => id)).toEqual(['images-worker-1']);
  });

  it('resumes after a run that failed while it unpacked files or copied images', async () => {
    const computer = await withBundleFile(offline());
    const { files, processes } = computer.system;
    const failOnce = <Args extends unknown[], T>(
      isMatch: (...args: Args) => boolean,
      work: (...args: Args) => Promise<T>,
    ) => {
      let failed = false;
      return async (...args: Args): Promise<T> => {
        if (failed || !isMatch(...args)) return work(...args);
        failed = true;
        throw new Error('planted failure');
      };
    };
    const extract: typeof files.extract = async (archive, into, members) => {
      // Extracts some files before it fails.
      if (members.length > 5) await files.extract(archive, into, members.slice(0, 4));
      return extractAll(archive, into, members);
    };
    const extractAll = failOnce(
      (_archive: string, _into: string, members: readonly ArchiveMember[]) => members.length > 5,
      (archive, into, members) => files.extract(archive, into, members),
    );
    const run = failOnce(
      (...[{ stdin }]: Parameters<typeof processes.run>) =>
        typeof stdin === 'object' && 'tar' in stdin && stdin.tar.some(({ name }) => name.includes('istio-vms-images')),
      (command, context) => processes.run(command, context),
    );
    Object.assign(computer.system, { files: { ...files, extract }, processes: { ...processes, run } });
    const first = await upFromBundle(computer);
    expect(first.error?.message).toContain('planted failure');
    expect(first.steps.find(({ id }) => id === 'bundle')?.outcome).toBe('failed');
    const second = await upFromBundle(computer);
    expect(second.steps.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)).toHaveLength(1);
    expect(second.error?.message).toContain('planted failure');
    expect((await upFromBundle(computer)).error).toBeUndefined();
    expect(await computer.verify()).toMatchObject({ failed: [] });
  });

  it('uses the arm64 files on an arm64 computer', async () => {
    const computer = await withBundleFile(offline({ host: { ...LINUX, cpu: 'arm64' } }));
    expect((await upFromBundle(computer)).error).toBeUndefined();
    expect(await computer.verify()).toMatchObject({ failed: [] });
  });

  it('says which CPUs it was created for when this one is not among them', async () => {
    const connected = watch(simulated());
    await createBundle(connected, { cpus: ['arm64'] });
    const report = await upFromBundle(connected);
    expect(report.error).toMatchObject({ reason: 'artifact-not-found' });
    expect(report.error?.message).toContain('it was created for arm64');
    // Nothing is downloaded in another way.
    expect(connected.transcript.map(commandLine).filter((line) => /docker create/.test(line))).toEqual([]);
  });

  it('is rehearsed without a network', async () => {
    const run = await cli(['up', '--rehearse', '--bundle', 'lab.tar']);
    expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(run.stdout).toContain('13 of 13 checks passed');
    expect(run.stderr).toMatch(/bundle +unpacking 12 files/);
    expect(run.stderr).not.toMatch(/ of \d+ MB/);
  });

  it.each([
    [['up', '--bundle', '/absent.tar'], 3, 'There is no bundle /absent.tar'],
    [['up', '--delete', '--bundle', 'lab.tar'], 2, 'cannot be used with'],
  ])('%j is refused', async (argv, code, words) => {
    const run = await cli(argv);
    expect(run.code).toBe(code);
    expect(run.stderr.replace(/\s+/g, ' ')).toContain(words);
  });
});
