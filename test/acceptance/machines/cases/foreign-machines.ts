import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import type { Machine } from '../../../../src/machines/machine.ts';
import { createOwnership } from '../../../../src/machines/ownership.ts';
import { isLostSession } from '../../../../src/machines/session.ts';
import { specOf } from '../../support/spec.ts';
import type { Subject } from '../conformance.ts';
import { failureOf } from '../bench.ts';

/** Machines that do not exist, and machines that istio-vms did not create. */
export function foreignMachineCases({ bench, machine }: Subject): void {
  const foreignName = (): string => `${bench().config.k3s.master}-foreign`;
  const boot = { file: 'cat', args: ['/proc/sys/kernel/random/boot_id'], effect: 'read' } as const;

  it('reports a missing machine as an error of the engine, not of the command', async () => {
    const { drive, engine, config, context } = bench();
    const absent = engine.machine(`${config.k3s.master}-absent`);
    await drive(async () => {
      expect((await engine.list(quiet)).map(({ name }) => name)).not.toContain(absent.name);
      const failure = await failureOf(absent.run({ file: 'true', args: [], effect: 'read' }, quiet));
      expect(failure.command.origin).toBe('engine');
      // A retry would fail, too, so it must not count as a lost session.
      expect(isLostSession(failure)).toBe(false);
      await expect(absent.address(quiet)).rejects.toMatchObject({ reason: 'machine-failed' });
      await engine.remove(absent.name, context);
    });
  });

  it('does not touch a machine that istio-vms did not create', async () => {
    const { drive, engine, config, context, launchForeign, system, name: lab } = bench();
    const name = foreignName();
    await drive(async () => {
      const foreign: Machine = await launchForeign(name);
      const before = (await foreign.run(boot, quiet)).stdout;
      await expect(engine.launch(specOf(config, lab, name), context)).rejects.toMatchObject({
        reason: 'foreign-machine',
      });

      const ownership = createOwnership({ ...system, config: { lab, paths: config.paths }, engine });
      const infos = await engine.list(quiet);
      const owners = await Promise.all(
        [name, machine().name].map(async (each) => {
          const info = infos.find((found) => found.name === each);
          return info === undefined ? 'absent' : ownership.isOurs(info, quiet);
        }),
      );
      expect(owners).toEqual(['foreign', 'ours']);
      // Only engines with labels check the owner in remove(); for the others the caller does.
      if (infos.some(({ lab: label }) => label !== undefined)) {
        await expect(engine.remove(name, context)).rejects.toMatchObject({ reason: 'foreign-machine' });
      }
      expect((await foreign.run(boot, quiet)).stdout).toBe(before);
    });
  });
}
