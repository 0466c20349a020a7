import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cli } from '../../rehearsal/support/cli.ts';

const calls: { command: string; options: Record<string, unknown>; args: readonly string[] }[] = [];

const recordCalls =
  (command: string) =>
  (_invocation: unknown, options: Record<string, unknown>, args: readonly string[] = []): Promise<number> => {
    calls.push({ command, options, args });
    return Promise.resolve(0);
  };

vi.mock('../../../src/commands/up.ts', () => ({ up: recordCalls('up') }));
vi.mock('../../../src/commands/verify.ts', () => ({ verify: recordCalls('verify') }));
vi.mock('../../../src/commands/status.ts', () => ({ status: recordCalls('status') }));
vi.mock('../../../src/commands/plan.ts', () => ({ plan: recordCalls('plan') }));
vi.mock('../../../src/commands/env.ts', () => ({ env: recordCalls('env') }));
vi.mock('../../../src/commands/step.ts', () => ({
  step: (name: string, invocation: unknown, options: Record<string, unknown>) => recordCalls(name)(invocation, options),
}));

// Test files of this project share modules, so the mocks are removed before the next file runs.
afterAll(() => {
  for (const name of ['up', 'verify', 'status', 'plan', 'env', 'step']) vi.doUnmock(`../../../src/commands/${name}.ts`);
});

const DEFAULTS = { output: 'text', quiet: false, verbose: false, rehearse: false, set: {}, fault: [] };

beforeEach(() => void (calls.length = 0));

describe('the command line parser', () => {
  it.each<[string, string, Record<string, unknown>, string[]?]>([
    ['up', 'up', {}],
    ['up --delete', 'up', { delete: true }],
    ['up --recreate --skip-verify', 'up', { recreate: true, skipVerify: true }],
    ['up -o json -q', 'up', { output: 'json', quiet: true }],
    ['up --output=json --verbose', 'up', { output: 'json', verbose: true }],
    ['up --rehearse --from lab --fault a --fault b', 'up', { rehearse: true, from: 'lab', fault: ['a', 'b'] }],
    ['up -s WORKERS=1 --set VM_APP=shop', 'up', { set: { WORKERS: '1', VM_APP: 'shop' } }],
    ['up -s A=b=c', 'up', { set: { A: 'b=c' } }],
    ['up -s A=', 'up', { set: { A: '' } }],
    ['up -s A=1 -s A=2', 'up', { set: { A: '2' } }],
    ['up -c other.env', 'up', { config: 'other.env' }],
    ['k3s --delete', 'k3s', { delete: true }],
    ['vm --recreate', 'vm', { recreate: true }],
    ['istioctl', 'istioctl', {}],
    ['istio', 'istio', {}],
    ['eastwest', 'eastwest', {}],
    ['bootstrap', 'bootstrap', {}],
    ['route', 'route', {}],
    ['arm64-patch', 'arm64-patch', {}],
    ['workload', 'workload', { fixCa: true, fixPilot: true }],
    ['workload --no-fix-ca', 'workload', { fixCa: false, fixPilot: true }],
    ['workload --no-fix-pilot', 'workload', { fixCa: true, fixPilot: false }],
    ['verify', 'verify', {}, []],
    ['verify dns vm-to-mesh', 'verify', {}, ['dns', 'vm-to-mesh']],
    ['verify --strict --network-policy dns', 'verify', { strict: true, networkPolicy: true }, ['dns']],
    ['verify --list', 'verify', { list: true }, []],
    ['plan --commands', 'plan', { commands: true }],
    ['plan --graph', 'plan', { graph: true }],
    ['status', 'status', {}],
    ['env', 'env', {}],
  ])('reads `%s`', async (line, command, options, args = []) => {
    expect((await cli(line.split(' '))).code).toBe(0);
    expect(calls).toEqual([{ command, options: { ...DEFAULTS, ...options }, args }]);
  });

  it('keeps a value that begins with a dash when it follows an equals sign', async () => {
    await cli(['up', '--set=A=-x $(date)']);
    expect(calls[0]?.options['set']).toEqual({ A: '-x $(date)' });
  });
});

describe('usage errors', () => {
  it.each([
    ['nonsense', /unknown command 'nonsense'/],
    ['up --nonsense', /unknown option '--nonsense'/],
    ['upp', /Did you mean up\?/],
    ['up --delete --recreate', /cannot be used with option/],
    ['up extra', /too many arguments/],
    ['istio --delete', /unknown option '--delete'/],
    ['up -o yaml', /Allowed choices are text, json/],
    ['up --from somewhere', /Allowed choices are nothing, needs, lab, real/],
    ['up --set WORKERS', /It must be NAME=VALUE/],
    ['up --set =1', /It must be NAME=VALUE/],
    ['up --set', /argument missing/],
    ['', /Usage: istio-vms <command>/],
  ])('exit with 2 and give the reason on stderr: `%s`', async (line, message) => {
    const run = await cli(line.split(' ').filter(Boolean));
    expect(run.code).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(message);
    expect(calls).toEqual([]);
  });
});
