import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import { asRoot } from '../../../../src/machines/machine.ts';
import { FIRST_BOOT, type Subject } from '../conformance.ts';

const REBOOT_MS = 120_000;

/** Stopping, starting, rebooting and deleting a machine. */
export function lifecycleCases({ bench, machine }: Subject): void {
  const boot = async (): Promise<string> =>
    (await machine().run({ file: 'cat', args: ['/proc/sys/kernel/random/boot_id'], effect: 'read' }, quiet)).stdout;
  const firstBoot = asRoot({ file: 'cat', args: [FIRST_BOOT.path], effect: 'read' });
  const stateNow = async (): Promise<string | undefined> =>
    (await bench().engine.list(quiet)).find(({ name }) => name === machine().name)?.state;

  it('stops and starts, and keeps its files', async () => {
    const { drive, engine, context } = bench();
    await drive(async () => {
      const before = await boot();
      await engine.stop(machine().name, context);
      expect(await stateNow()).toBe('stopped');
      // Stopping a stopped machine is not an error.
      await engine.stop(machine().name, context);
      expect(await stateNow()).toBe('stopped');
      await engine.start(machine().name, context);
      expect(await stateNow()).toBe('running');
      // A new Machine object, since the address may have changed.
      const again = engine.machine(machine().name);
      expect((await again.run(firstBoot, quiet)).stdout).toBe(FIRST_BOOT.content);
      expect((await engine.list(quiet)).find(({ name }) => name === again.name)?.addresses).toContain(
        await again.address(quiet),
      );
      expect(await boot()).not.toBe(before);
    });
  });

  it('starts a stopped machine to run a command, or fails cleanly', async () => {
    const { drive, engine, context } = bench();
    await drive(async () => {
      await engine.stop(machine().name, context);
      const echo = machine().run({ file: 'cat', args: [], effect: 'read', stdin: 'awake' }, quiet);
      const output = await echo.then(
        ({ stdout }) => stdout,
        (thrown: unknown) => {
          expect(thrown).toMatchObject({ failure: 'exit', result: { exitCode: 255 } });
          return 'not started';
        },
      );
      // `multipass exec` starts a stopped machine and prints a progress line before the output.
      expect(output).toBe(engine.name === 'multipass' ? 'awake' : 'not started');
      await engine.start(machine().name, context);
    });
  });

  it('treats starting a running machine as done', async () => {
    const { drive, engine, context } = bench();
    await drive(async () => {
      const before = await boot();
      await engine.start(machine().name, context);
      expect(await boot()).toBe(before);
    });
  });

  it('is reachable again after it rebooted itself', async () => {
    const { drive, sleep } = bench();
    await drive(async () => {
      const before = await boot();
      // The reboot may end the session, too.
      await machine()
        .run(asRoot({ file: 'reboot', args: [], effect: 'write' }), quiet)
        .catch(() => undefined);
      let now = before;
      for (let waited = 0; now === before; waited += 500) {
        if (waited > REBOOT_MS) throw new Error('the machine did not come back');
        await sleep(500);
        now = await boot().catch(() => before);
      }
      expect((await machine().run(firstBoot, quiet)).stdout).toBe(FIRST_BOOT.content);
    });
  });

  it('is deleted for good, and deleting it again is not an error', async () => {
    const { drive, engine, context } = bench();
    await drive(async () => {
      const others = (await engine.list(quiet)).map(({ name }) => name).filter((name) => name !== machine().name);
      await engine.remove(machine().name, context);
      const left = (await engine.list(quiet)).map(({ name }) => name);
      expect(left).not.toContain(machine().name);
      expect(left).toContain(`${bench().config.k3s.master}-foreign`);
      expect(others).toContain(`${bench().config.k3s.master}-foreign`);
      await engine.remove(machine().name, context);
    });
  });
}
