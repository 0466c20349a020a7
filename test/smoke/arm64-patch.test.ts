import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { expectSuccess, writesOf } from './evidence.ts';
import { filesIn } from './snapshot.ts';

describe.each(['docker', 'podman'] as const)('arm64-patch with %s', (tool) => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer();
    await computer.install([tool]);
  });
  afterEach(() => computer.remove());

  const patch = ['arm64-patch', '--set', `CONTAINER_TOOL=${tool}`];

  it('extracts two programs from the image and leaves no container', async () => {
    const run = await computer.run(...patch);
    expectSuccess(run);
    const files = Object.entries(await filesIn(join(computer.cwd, '.tmp'))).map(
      ([path, what]) => `${what.slice(0, 4)} ${path}`,
    );
    expect(files).toEqual(
      expect.arrayContaining(['envoy', 'pilot-agent'].map((name) => `0755 istio-proxy-1.19.3-arm64/${name}`)),
    );
    // The exported image is large, so it must not be kept.
    expect(files.filter((line) => /tar|part|tmp$/.test(line))).toEqual([]);
    expect([...computer.world.containers.keys()]).toEqual([]);
    expect(writesOf(await computer.run(...patch))).toEqual([]);
    expect(computer.world.refused).toEqual([]);
  });

  it('removes the container even when the export fails', async () => {
    const hold = computer.hold(({ args }) => args[0] === 'export');
    const cli = computer.start(...patch);
    await hold.reached;
    expect([...computer.world.containers.keys()]).toHaveLength(1);
    hold.release({ exitCode: 1, stderr: 'Error: write: input/output error\n' });
    const ended = await cli.done;
    expect(ended).toMatchObject({ exitCode: 5, stdout: '' });
    expect(ended.stderr).toContain('input/output error');
    expect([...computer.world.containers.keys()]).toEqual([]);
  });

  it('reports that the tool is missing', async () => {
    await computer.install([]);
    const run = await computer.run(...patch);
    expect(run).toMatchObject({ exitCode: 4, stdout: '' });
    expect(run.stderr).toContain(tool);
  });
});
