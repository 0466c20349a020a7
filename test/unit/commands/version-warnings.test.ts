import { describe, expect, it } from 'vitest';
import { cli } from '../../rehearsal/support/cli.ts';

const warningsOf = async (argv: readonly string[]): Promise<readonly string[]> => {
  const { code, stderr } = await cli([...argv, '--rehearse'], { cwd: '/home/u/lab' });
  expect(code).toBe(0);
  return stderr.split('\n').filter((line) => line.includes('  warning  '));
};

describe('an end-of-life Istio', () => {
  it.each([['up', '--skip-verify'], ['istio'], ['status']])('is reported once by %s', async (...argv) => {
    const lines = await warningsOf(argv);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Istio 1.19 is end-of-life; the newest tested version is 1.31.4.');
  });

  it.each([['env'], ['plan'], ['k3s'], ['vm'], ['verify', 'nodes']])('is not reported by %s', async (...argv) => {
    expect(await warningsOf(argv)).toEqual([]);
  });
});

it('names the mirror when it does not have a file', async () => {
  const set = (name: string, value: string) => ['--set', `${name}=${value}`];
  const options = [...set('ISTIO_VERSION', '1.30.0-rc.1'), ...set('ISTIO_ARCH', 'linux-amd64')];
  const { code, stderr } = await cli(
    ['istioctl', '--rehearse', ...options, ...set('ARTIFACTS_URL', 'http://mirror.example/x')],
    { cwd: '/home/u/lab' },
  );
  expect(code).toBe(5);
  expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
    'ARTIFACTS_URL is http://mirror.example/x: put /istio/istio/releases/download/1.30.0-rc.1/istioctl-1.30.0-rc.1-linux-amd64.tar.gz there',
  );
});

describe('an Istio newer than the supported versions', () => {
  it.each([['up', '--skip-verify'], ['status'], ['plan']])('is reported once by %s', async (...argv) => {
    const lines = await warningsOf([...argv, '--set', 'ISTIO_VERSION=1.33.0']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Istio 1.33.0 is newer than the versions that istio-vms supports (1.19 to 1.32)');
  });
});
