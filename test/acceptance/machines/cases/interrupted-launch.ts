import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import { MARKER } from '../../../../src/machines/ownership.ts';
import { specOf } from '../../support/spec.ts';
import type { Subject } from '../conformance.ts';

/** Launches whose client was killed while the daemon continues. */
export function interruptedLaunchCases({ bench }: Subject): void {
  it('resumes a launch whose client was killed', async () => {
    const { drive, engine, config, context, name: lab, interruptLaunch } = bench();
    const name = `${config.k3s.master}-cut`;
    await drive(async () => {
      await interruptLaunch(name);
      // Adopts the machine, or replaces it if it does not start.
      await engine.launch(specOf(config, lab, name), { ...context, ours: true, unfinished: true });
      expect((await engine.list(quiet)).filter((each) => each.name === name)).toMatchObject([{ state: 'running' }]);
      const { stdout } = await engine.machine(name).run({ file: 'cat', args: [MARKER], effect: 'read' }, quiet);
      expect(stdout).toBe(`${lab}\n`);
      expect(await engine.machine(name).address(quiet)).toMatch(/^\d+\./);
      await engine.remove(name, context);
    });
  });

  it('removes a machine that is still starting', async () => {
    const { drive, engine, config, context, sleep, interruptLaunch } = bench();
    const name = `${config.k3s.master}-cut-again`;
    await drive(async () => {
      await interruptLaunch(name);
      await engine.remove(name, context);
      await sleep(5_000);
      expect((await engine.list(quiet)).map((each) => each.name)).not.toContain(name);
    });
  });
}
