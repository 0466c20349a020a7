import { quiet } from '../../support/context.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import type { MachineEngine } from '../../../src/machines/machine.ts';

const MAP = '../../../src/machines/index.ts';

/** The program with one more engine: one folder (test/support/fake-engine) and one line in the map, nothing else. */
async function withThirdEngine() {
  // Test files share modules, so these are reloaded now and again after the tests.
  vi.resetModules();
  vi.doMock(import('../../../src/machines/index.ts'), async (original) => {
    const { fake } = await import('../../support/fake-engine/settings.ts');
    return { ENGINES: { ...(await original()).ENGINES, fake } };
  });
  return {
    ...(await import('../config/fixtures.ts')),
    ...(await import('../../../src/config/documentation.ts')),
    ...(await import('../../../src/machines/create-engine.ts')),
    ...(await import('../../../src/tools/requirements.ts')),
  };
}

let program: Awaited<ReturnType<typeof withThirdEngine>>;
beforeAll(async () => {
  program = await withThirdEngine();
});
afterAll(() => {
  vi.doUnmock(MAP);
  vi.resetModules();
});

const engineOf = (config: Config): MachineEngine =>
  program.createEngine({} as never, { guest: { 'place.sh': '' } }, config);

describe('a third engine in the map', () => {
  it('can be chosen, and gets its own settings', () => {
    const { config } = program.load({ flags: { MACHINE_ENGINE: 'fake', LAB_NAME: 'warm' } });
    expect(config).toMatchObject({ engine: 'fake', engineSettings: { FAKE_COLOR: 'red' } });
    expect(engineOf(config)).toMatchObject({
      name: 'fake',
      requirement: { because: `red warm ${config.workloads[0].name}` },
    });
  });

  it('applies its own rules, and only to its own labs', () => {
    expect(program.problems({ flags: { MACHINE_ENGINE: 'fake', FAKE_COLOR: 'green' } }).join()).toContain(
      'one of red, blue',
    );
    expect(program.problems({ flags: { MACHINE_ENGINE: 'fake', WORKLOAD_VM_NAME: 'fake' } }).join()).toContain(
      'any name but "fake"',
    );
    expect(() => program.load({ flags: { WORKLOAD_VM_NAME: 'fake' } })).not.toThrow();
  });

  it('appears in the reference, in run.env.example and in the list of choices', () => {
    expect(program.configurationTable()).toContain('**Fake**');
    expect(program.runEnvExample()).toContain('# export FAKE_COLOR=');
    expect(program.problems({ flags: { MACHINE_ENGINE: 'other' } }).join()).toContain('one of multipass, incus, fake');
    expect(program.runEnvExample()).toMatch(/Machine engine: .*, or fake \(tests\)\./);
  });

  it('requires its program, and says how to install it', async () => {
    const engine = engineOf(program.load({ flags: { MACHINE_ENGINE: 'fake' } }).config);
    const probe = async () => (await engine.probe(quiet)).version;
    await expect(program.checkRequirements([{ tool: engine.requirement, probe }], 'linux')).rejects.toMatchObject({
      facts: { details: [expect.stringMatching(/^fake 1\.0\.0 is too old: 2\.0\.0 .*apt-get install fake/)] },
    });
  });

  it('provides the commands for the user', () => {
    const engine = engineOf(program.load({ flags: { MACHINE_ENGINE: 'fake' } }).config);
    expect(engine.shellHint('vm', 'id')).toBe('fake sh vm id');
    expect(engine.restartHint('vm')).toBe('fake restart vm');
  });
});
