import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import type { Reason } from '../../../src/errors/reasons.ts';
import {
  checkRequirements,
  TOOLS,
  type HostTool,
  type Requirement,
  type ToolRequirement,
} from '../../../src/tools/requirements.ts';

const ENGINE: ToolRequirement = {
  name: 'engine',
  floor: '1.14.0',
  because: 'older ones cannot stop',
  install: { darwin: 'brew install engine', linux: 'sudo snap install engine' },
};
const requirementOf = (tool: HostTool | 'engine'): ToolRequirement => (tool === 'engine' ? ENGINE : TOOLS[tool]);
const has = (tool: HostTool | 'engine', version: string): Requirement => ({
  tool: requirementOf(tool),
  probe: () => Promise.resolve(version),
});
const lacks = (tool: HostTool | 'engine', reason: Reason): Requirement => ({
  tool: requirementOf(tool),
  probe: () => Promise.reject(new CliError(reason, { message: 'It sleeps.', hint: 'Wake it.' })),
});

describe('checkRequirements', () => {
  it('accepts versions that are new enough, with any suffix', async () => {
    const accepted = [
      has('engine', '1.16.3+mac'),
      has('engine', '1.14.0-dev.12+g1a'),
      has('kubectl', 'v1.30.1+k3s1'),
      has('podman', 'nightly'),
    ];
    await checkRequirements(accepted, 'darwin');
    await checkRequirements(
      (Object.keys(TOOLS) as HostTool[]).map((tool) => has(tool, TOOLS[tool].floor)),
      'linux',
    );
  });

  it('treats podman installed as docker as podman', async () => {
    const asDocker = (version: string): Requirement => ({
      tool: TOOLS.docker,
      probe: () => Promise.resolve({ tool: TOOLS.podman, version }),
    });
    await checkRequirements([asDocker('4.9.3')], 'linux');
    await expect(checkRequirements([asDocker('3.0.1')], 'linux')).rejects.toMatchObject({
      facts: { details: [expect.stringContaining('podman 3.0.1 is too old: 3.4.0')] },
    });
  });

  it('reports all problems at once, with how to install on this system', async () => {
    const work = checkRequirements(
      [has('engine', '1.12.2'), lacks('kubectl', 'tool-missing'), lacks('docker', 'engine-unavailable')],
      'linux',
    );
    await expect(work).rejects.toMatchObject({
      reason: 'tool-missing',
      exitCode: 4,
      facts: {
        details: [
          expect.stringMatching(/^engine 1\.12\.2 is too old: 1\.14\.0 .*sudo snap install engine/),
          expect.stringMatching(/^kubectl is not on the PATH\. .*snap install kubectl/),
          'docker: It sleeps. Wake it.',
        ],
      },
    });
  });

  it.each<[Reason, Requirement]>([
    ['tool-too-old', has('kubectl', '1.21.14')],
    ['engine-unavailable', lacks('engine', 'engine-unavailable')],
  ])('reports the reason of a single problem: %s', async (reason, requirement) => {
    await expect(checkRequirements([requirement], 'darwin')).rejects.toMatchObject({ reason });
  });

  it('passes on an interrupt and an internal error unchanged', async () => {
    await expect(checkRequirements([lacks('kubectl', 'interrupted')], 'linux')).rejects.toMatchObject({
      reason: 'interrupted',
    });
    const bug: Requirement = { tool: TOOLS.kubectl, probe: () => Promise.reject(new TypeError('oops')) };
    await expect(checkRequirements([bug], 'linux')).rejects.toThrow(TypeError);
  });
});
