import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentHost } from '../../../src/system/host.ts';
import { CLI, createComputer, type Computer } from '../../smoke/computer.ts';
import { expectSuccess } from '../../smoke/evidence.ts';
import { createNamespace, NEIGHBOUR, whyNoNamespaces, type Namespace } from './namespace.ts';

const missing = whyNoNamespaces();
if (missing !== undefined) process.stderr.write(`acceptance: tests without a network are skipped: ${missing}\n`);

const IMAGES = '/var/lib/rancher/k3s/agent/images';
/** The bundle is only created for the CPU of this computer. */
const CPU = currentHost().cpu;
const VM = 'vm-istio-external-workload';

/**
 * The built CLI in a separate network namespace. Its tools are stand-ins that connect to the simulated world through a Unix
 * socket, which works from every namespace.
 */
describe.skipIf(missing !== undefined)('up from a bundle, without a network', () => {
  let computer: Computer;
  const namespaces: Namespace[] = [];

  const network = (route: 'none' | 'neighbor'): Namespace => {
    const namespace = createNamespace(route);
    namespaces.push(namespace);
    return namespace;
  };
  const runIn = async ({ inside }: Namespace, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const [file = '', ...before] = inside;
    const { PATH = '', HOME = '' } = computer.env;
    const child = spawn(file, [...before, process.execPath, CLI, ...args], {
      cwd: computer.cwd,
      env: { PATH, HOME, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { exitCode: exitCode as number | null, stdout, stderr, log: '' };
  };
  const filesOn = (name: string, below: string): string[] =>
    [...(computer.world.engine.instances.get(name)?.files.keys() ?? [])].filter((path) => path.startsWith(below));

  beforeEach(async () => {
    computer = await createComputer();
    expectSuccess(await computer.run('bundle', 'create', '--file', 'lab.tar', '--cpu', CPU));
    // From here on only the bundle is available: no cache, no mirror, and no network on the nodes.
    await rm(join(computer.home, '.cache'), { recursive: true });
    computer.world.faults.add('offline');
    computer.world.engine.images.add('22.04');
  });
  afterEach(async () => {
    namespaces.splice(0).forEach((each) => each.remove());
    await computer.remove();
  });

  it('creates and verifies the lab without a network', async () => {
    const up = await runIn(network('none'), ['up', '--bundle', 'lab.tar']);
    expectSuccess(up);
    expect(up.stdout).toContain('13 of 13 checks passed');
    // The images are in k3s' directory on the nodes, and the package is installed on the VM.
    for (const node of ['k3s-worker-1', 'k3s-worker-2']) {
      expect(filesOn(node, IMAGES).sort()).toEqual([
        `${IMAGES}/istio-vms-images.tar`,
        `${IMAGES}/k3s-airgap-images.tar.zst`,
      ]);
    }
    expect(filesOn('k3s-master', IMAGES)).toEqual([`${IMAGES}/k3s-airgap-images.tar.zst`]);
    expect(computer.world.engine.instances.get(VM)?.packages.get('istio-sidecar')).toBe('1.19.3');
    expect(computer.world.refused).toEqual([]);
  });

  it('fails with download-failed without the bundle', async () => {
    const up = await runIn(network('none'), ['up']);
    expect(up, up.stderr).toMatchObject({ exitCode: 5 });
    expect(up.stderr).toContain('Reason: download-failed');
  });

  it('sends no packet with the bundle, but does without it', async () => {
    const [quiet, loud] = [network('neighbor'), network('neighbor')];
    // A mirror and a proxy are configured, so a download would be attempted if there were one.
    const env = { ARTIFACTS_URL: `http://${NEIGHBOUR}:8080`, HTTPS_PROXY: `http://${NEIGHBOUR}:3128` };
    expectSuccess(await runIn(quiet, ['up', '--bundle', 'lab.tar'], env));
    expect(quiet.sent()).toBe(0);

    await rm(join(computer.cwd, '.bin'), { recursive: true });
    const control = await runIn(loud, ['istioctl'], { ...env, ISTIO_VMS_CACHE: join(computer.cwd, '.other-cache') });
    expect(control.exitCode).toBe(5);
    expect(loud.sent()).toBeGreaterThan(0);
  });

  it('refuses a tampered bundle, names the changed artifact, and changes nothing', async () => {
    const path = join(computer.cwd, 'lab.tar');
    const bytes = await readFile(path);
    const at = bytes.indexOf('"artifact":"istio-sidecar","version":"1.19.3"');
    expect(at).toBeGreaterThan(0);
    bytes.write('"version":"6.6.6"', at + '"artifact":"istio-sidecar",'.length);
    await writeFile(path, bytes);
    const up = await runIn(network('none'), ['up', '--bundle', 'lab.tar']);
    expect(up.exitCode).toBe(5);
    expect(up.stderr.replace(/\s+/g, ' ')).toMatch(
      /istio-sidecar\S*\.deb in \S+lab\.tar does not match the digests in the bundle/,
    );
    expect(up.stderr).toContain('Reason: digest-mismatch');
    expect(await stat(join(computer.home, '.cache', 'istio-vms', 'sha256')).catch(() => undefined)).toBeUndefined();
  });

  it('creates the same bundle byte for byte with an empty cache', async () => {
    computer.world.faults.clear();
    expectSuccess(await computer.run('bundle', 'create', '--file', 'again.tar', '--cpu', CPU));
    const [one, two] = await Promise.all(['lab.tar', 'again.tar'].map((name) => readFile(join(computer.cwd, name))));
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
  });
});
