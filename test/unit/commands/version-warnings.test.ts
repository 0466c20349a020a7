import { describe, expect, it } from 'vitest';
import { cli } from '../../rehearsal/support/cli.ts';

const warningsOf = async (argv: readonly string[]): Promise<readonly string[]> => {
  const { code, stderr } = await cli([...argv, '--rehearse'], { cwd: '/home/u/lab' });
  expect(code).toBe(0);
  return stderr.split('\n').filter((line) => line.includes('  warning  '));
};

describe('an Istio that is end-of-life', () => {
  it.each([['up', '--skip-verify'], ['istio'], ['status']])('is warned of once by %s', async (...argv) => {
    const lines = await warningsOf(argv);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Istio 1.19 is end-of-life; the newest tested version is 1.31.4.');
  });

  it.each([['env'], ['plan'], ['k3s'], ['vm'], ['verify', 'nodes']])('is no matter of %s', async (...argv) => {
    expect(await warningsOf(argv)).toEqual([]);
  });
});

describe('an Istio newer than we know', () => {
  it.each([['up', '--skip-verify'], ['status'], ['plan']])('is warned of once by %s', async (...argv) => {
    const lines = await warningsOf([...argv, '--set', 'ISTIO_VERSION=1.33.0']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Istio 1.33.0 is newer than the versions that istio-vms supports (1.19 to 1.32)');
  });
});
