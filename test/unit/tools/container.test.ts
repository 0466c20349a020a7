import { quiet } from '../../support/context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ArchiveMember } from '../../../src/system/system.ts';
import { createContainer, type ContainerTool } from '../../../src/tools/container.ts';
import { fakeProcesses, type FakeProcesses, type Reply } from '../../support/fake-processes.ts';

const NAME = 'istio-vms-lab-a-1.19.3';
const RM = `docker rm --force ${NAME}`;
const CREATE = `docker create --name ${NAME} --platform linux/arm64 docker.io/istio/proxyv2:1.19.3`;
const EXPORT = `docker export --output /tmp/t/${NAME}.tar ${NAME}`;
const noSuch: Reply = { exitCode: 1, stderr: `Error response from daemon: No such container: ${NAME}` };

describe('createContainer', () => {
  let processes: FakeProcesses;
  let operations: string[];
  let messages: string[];
  let breakArchive: boolean;
  let tool: ContainerTool;

  const members: ArchiveMember[] = [{ member: 'usr/local/bin/envoy', as: 'envoy', mode: 0o755 }];
  const request = { image: 'docker.io/istio/proxyv2:1.19.3', platform: 'linux/arm64', into: '/data/bin', members };
  const context = { say: (text: string) => void messages.push(text) };

  beforeEach(() => {
    processes = fakeProcesses();
    operations = [];
    messages = [];
    breakArchive = false;
    const files = {
      makeDirectory: (path: string) => Promise.resolve(void operations.push(`mkdir ${path}`)),
      remove: (path: string) => Promise.resolve(void operations.push(`remove ${path}`)),
      rename: (from: string, to: string) => Promise.resolve(void operations.push(`rename ${from} ${to}`)),
      extract: (archive: string, into: string, wanted: readonly ArchiveMember[]) => {
        if (breakArchive) return Promise.reject(new Error('broken archive'));
        return Promise.resolve(
          void operations.push(`extract ${archive} ${into} ${wanted.map((each) => each.as).join(',')}`),
        );
      },
    };
    const config = { lab: 'lab-a', containerTool: 'docker', istio: { version: '1.19.3' }, paths: { temp: '/tmp/t' } };
    tool = createContainer({ processes, files, config });
  });

  it('pulls an image for its CPU and saves it to a new file', async () => {
    const image = 'docker.io/istio/pilot:1.19.3';
    processes.on(`docker pull --platform linux/arm64 ${image}`, {}).on(`docker save --output /w/a.tar ${image}`, {});
    await tool.saveImage({ image, platform: 'linux/arm64', archive: '/w/a.tar' }, { ...quiet, ...context });
    expect(processes.lines).toHaveLength(2);
    expect(operations).toEqual(['mkdir /w', 'remove /w/a.tar']);
    expect(messages).toEqual([`fetching ${image} for linux/arm64`, `saving ${image}`]);
  });

  it('creates, exports, extracts and removes, after removing the leftovers of an earlier run', async () => {
    processes.on(RM, {}).on(CREATE, {}).on(EXPORT, {});
    await tool.extractFromImage(request, { ...quiet, ...context });
    expect(processes.lines).toEqual([RM, CREATE, EXPORT, RM]);
    expect(operations).toEqual([
      'remove /data/bin.new',
      'mkdir /tmp/t',
      `extract /tmp/t/${NAME}.tar /data/bin.new envoy`,
      `remove /tmp/t/${NAME}.tar`,
      // Last, so that an interrupted run leaves no directory that looks complete.
      'remove /data/bin',
      'rename /data/bin.new /data/bin',
    ]);
  });

  it('does not warn when an earlier run left nothing', async () => {
    processes.on(RM, noSuch, {}).on(CREATE, {}).on(EXPORT, {});
    await tool.extractFromImage(request, { ...quiet, ...context });
    expect(messages.some((text) => text.startsWith('warning'))).toBe(false);
  });

  it.each<[string, Reply, Reply, boolean, string]>([
    ['create', { exitCode: 1, stderr: 'no matching manifest for linux/arm64/v8' }, {}, false, 'proxy image'],
    ['export', {}, { exitCode: 1, stderr: 'write: no space left on device' }, false, 'full'],
    ['extract', {}, {}, true, 'broken archive'],
    ['create, by an interrupt,', { failure: 'aborted' }, {}, false, 'interrupted'],
  ])('leaves no container and no archive behind when %s fails', async (_, create, exported, broken, message) => {
    breakArchive = broken;
    processes.on(RM, noSuch, {}).on(CREATE, create).on(EXPORT, exported);
    await expect(tool.extractFromImage(request, { ...quiet, ...context })).rejects.toThrow(message);
    expect(processes.lines.at(-1)).toBe(RM);
    expect(operations.at(-1)).toBe(`remove /tmp/t/${NAME}.tar`);
  });

  it('warns when the container remains, and reports the first failure', async () => {
    processes
      .on(RM, noSuch, { exitCode: 1, stderr: 'device is busy' })
      .on(CREATE, {})
      .on(EXPORT, { exitCode: 1, stderr: 'odd' });
    await expect(tool.extractFromImage(request, { ...quiet, ...context })).rejects.toMatchObject({
      facts: { stderrTail: 'odd' },
    });
    expect(messages.at(-1)).toContain(`docker rm --force ${NAME}`);
  });

  it.each<[string, Reply, unknown]>([
    [
      'docker',
      { stdout: '{"Client":{"Version":"27.1.1","ApiVersion":"1.46"},"Server":{}}' },
      { kind: 'docker', version: '27.1.1' },
    ],
    [
      'podman installed as docker',
      { stdout: '{"Client":{"APIVersion":"4.9.3","Version":"4.9.3"}}' },
      { kind: 'podman', version: '4.9.3' },
    ],
  ])('recognizes the program: %s', async (_, reply, kind) => {
    processes.on('docker version --format json', reply);
    expect(await tool.probe(quiet)).toEqual(kind);
  });

  it.each<[string, Reply]>([
    [
      'engine-unavailable',
      { exitCode: 1, stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' },
    ],
    ['tool-missing', { failure: 'not-found' }],
    ['tool-too-old', { stdout: 'json\n' }],
  ])('reports %s', async (reason, reply) => {
    processes.on('docker version --format json', reply);
    await expect(tool.probe(quiet)).rejects.toMatchObject({ reason });
  });
});
