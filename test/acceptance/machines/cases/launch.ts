import { quiet } from '../../../support/context.ts';
import { isIPv4 } from 'node:net';
import { expect, it } from 'vitest';
import { asRoot } from '../../../../src/machines/machine.ts';
import { specOf } from '../../support/spec.ts';
import { failureOf } from '../bench.ts';
import { FIRST_BOOT, type Subject } from '../conformance.ts';

/** State of a machine after its launch. */
export function launchCases({ bench, machine }: Subject): void {
  it('has finished cloud-init when the launch returns', async () => {
    const { drive } = bench();
    const cat = { file: 'cat', args: [FIRST_BOOT.path], effect: 'read' } as const;
    await drive(async () => {
      expect((await machine().run(asRoot(cat), quiet)).stdout).toBe(FIRST_BOOT.content);
      // Shows that the read above needed sudo.
      expect((await failureOf(machine().run(cat, quiet))).result.stderr).toMatch(/Permission denied/);
    });
  });

  it('is listed as running, with the address that the machine reports', async () => {
    const { drive, engine } = bench();
    await drive(async () => {
      const address = await machine().address(quiet);
      expect(isIPv4(address)).toBe(true);
      const found = (await engine.list(quiet)).filter(({ name }) => name === machine().name);
      expect(found).toMatchObject([{ state: 'running' }]);
      expect(found[0]?.addresses[0]).toBe(address);
    });
  });

  it('reports the CPU architecture of this computer', async () => {
    const { drive, hostCpu } = bench();
    expect(await drive(() => machine().arch(quiet))).toBe(hostCpu);
  });

  it('treats a second launch of our own machine as done', async () => {
    const { drive, engine, config, context, name: lab } = bench();
    const boot = { file: 'cat', args: ['/proc/sys/kernel/random/boot_id'], effect: 'read' } as const;
    await drive(async () => {
      const before = (await machine().run(boot, quiet)).stdout;
      const spec = specOf(config, lab, machine().name);
      expect(await engine.launch(spec, { ...context, ours: true })).toBe('found');
      expect((await machine().run(boot, quiet)).stdout).toBe(before);
    });
  });
}
