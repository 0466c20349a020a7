import { spawnSync } from 'node:child_process';
import { createFixture } from 'fs-fixture';
import { describe, expect, it } from 'vitest';
import { createFiles } from '../../../src/system/files.ts';
import { leftovers, temporaryName } from '../../../src/system/temporary.ts';

describe('a temporary file of a killed run', () => {
  it('is recognized by the process id in its name', () => {
    const names = [
      '.a.1-ff.tmp',
      '.a.2-ff.part',
      '.ab.1-ff.tmp',
      'a',
      '.a.old.tmp',
      '.a.b.1-ff.tmp',
      temporaryName('a', 3, 'ab', 'tmp'),
    ];
    expect(leftovers('a', names, (pid) => pid === 2)).toEqual(['.a.1-ff.tmp', '.a.3-ab.tmp']);
  });

  it('is removed by the next write to that file, unless its process is alive', async () => {
    const { pid: dead } = spawnSync('true');
    await using fixture = await createFixture({
      [`.kubeconfig.${dead}-abc.tmp`]: 'partial secret',
      [`.kubeconfig.${process.pid}-abc.tmp`]: 'being written',
      [`.other.${dead}-abc.tmp`]: 'for another file',
    });
    const files = createFiles();
    await files.write(fixture.getPath('kubeconfig'), 'whole', 0o600);
    expect(await files.list(fixture.path)).toEqual(
      [`.kubeconfig.${process.pid}-abc.tmp`, `.other.${dead}-abc.tmp`, 'kubeconfig'].sort(),
    );
  });
});
