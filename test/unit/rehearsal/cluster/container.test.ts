import { describe, expect, it } from 'vitest';
import { unpackTar } from '../../../../src/system/archives.ts';
import { createLab } from './lab.ts';

const IMAGE = 'docker.io/istio/proxyv2:1.19.3';
const create = (name: string, image = IMAGE) => ['create', '--name', name, '--platform', 'linux/arm64', image];

describe.each(['docker', 'podman'])('the simulated %s', (tool) => {
  it('exports the two binaries of an image as arm64', async () => {
    const { containerTool, files } = createLab();
    expect((await containerTool(tool, create('patch-a'))).exitCode).toBe(0);
    expect((await containerTool(tool, ['export', '--output', '/lab/.tmp/c.tar', 'patch-a'])).exitCode).toBe(0);
    const entries = await unpackTar((await files.read('/lab/.tmp/c.tar')) ?? new Uint8Array());
    const agent = JSON.parse(Buffer.from(entries.get('usr/local/bin/pilot-agent')?.content ?? []).toString()) as object;
    expect(agent).toEqual({ artifact: 'pilot-agent', version: '1.19.3', cpu: 'arm64' });
    expect(entries.get('usr/local/bin/envoy')?.mode).toBe(0o755);
  });

  it('refuses a name that is taken and an image that does not exist', async () => {
    const { containerTool, world } = createLab();
    await containerTool(tool, create('patch-a'));
    expect((await containerTool(tool, create('patch-a'))).stderr).toContain('already in use');
    expect((await containerTool(tool, create('patch-b', 'docker.io/istio/proxyv2:1.19.99'))).stderr).toContain(
      'manifest unknown',
    );
    expect([...world.containers.keys()]).toEqual(['patch-a']);
  });

  it('saves an image for the CPU that it was pulled for, under the name that the tool uses', async () => {
    const { containerTool, files } = createLab();
    const image = 'docker.io/istio/pilot:1.19.3';
    const save = () => containerTool(tool, ['save', '--output', '/lab/a.tar', image]);
    expect((await save()).exitCode).toBe(1);
    for (const cpu of ['amd64', 'arm64']) {
      expect((await containerTool(tool, ['pull', '--platform', `linux/${cpu}`, image])).exitCode).toBe(0);
      expect((await save()).exitCode).toBe(0);
      const entries = await unpackTar((await files.read('/lab/a.tar')) ?? new Uint8Array());
      const json = (name: string): unknown => JSON.parse(Buffer.from(entries.get(name)?.content ?? []).toString());
      const [saved] = json('manifest.json') as { Config: string; RepoTags: string[] }[];
      expect(saved?.RepoTags).toEqual([tool === 'docker' ? 'istio/pilot:1.19.3' : image]);
      expect(json(saved?.Config ?? '')).toMatchObject({ architecture: cpu });
    }
    expect(
      (await containerTool(tool, ['pull', '--platform', 'linux/amd64', 'docker.io/istio/none:1'])).stderr,
    ).toContain('manifest unknown');
  });

  it('refuses unsupported commands', async () => {
    const { containerTool } = createLab();
    expect(await containerTool(tool, ['run', IMAGE])).toMatchObject({ exitCode: 125, refused: `${tool} run ${IMAGE}` });
    expect((await containerTool(tool, ['create', '--name', 'c', IMAGE])).refused).toBeDefined();
    expect((await containerTool(tool, ['pull', IMAGE])).refused).toBeDefined();
    expect((await containerTool(tool, ['save', IMAGE])).refused).toBeDefined();
  });
});

it('the removal of a missing container succeeds in podman and fails in docker', async () => {
  const { containerTool } = createLab();
  expect((await containerTool('podman', ['rm', '--force', 'x'])).exitCode).toBe(0);
  expect(await containerTool('docker', ['rm', '--force', 'x'])).toMatchObject({
    exitCode: 1,
    stderr: 'Error response from daemon: No such container: x\n',
  });
});
