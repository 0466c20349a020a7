import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REASONS, EXIT_MEANINGS } from '../../../src/errors/reasons.ts';
import { cli } from '../../rehearsal/support/cli.ts';

const COMMANDS = [
  'up',
  'bundle',
  'k3s',
  'istioctl',
  'istio',
  'eastwest',
  'vm',
  'workload',
  'arm64-patch',
  'bootstrap',
  'route',
  'verify',
  'env',
  'plan',
  'status',
];

describe('help', () => {
  it('matches its golden text for the program', async () => {
    const run = await cli(['--help'], { columns: 80 });
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    await expect(run.stdout).toMatchFileSnapshot('help/istio-vms.txt');
    for (const command of COMMANDS) expect(run.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const [code, meaning] of EXIT_MEANINGS) expect(run.stdout).toContain(`${String(code).padEnd(5)}${meaning}`);
  });

  it.each(COMMANDS)('matches its golden text for %s, within 80 columns', async (command) => {
    const run = await cli([command, '--help'], { columns: 80 });
    expect(run.code).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot(`help/${command}.txt`);
    for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('explains every exit code', () => {
    const known = EXIT_MEANINGS.map(([code]) => code);
    for (const code of Object.values(REASONS)) expect(known).toContain(code);
  });

  it('is not printed by --version, which prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});
