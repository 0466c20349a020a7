import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import type { Computer } from '../computer.ts';
import { expectOk } from '../evidence.ts';
import { openSession, ready, rules } from '../sidecar.ts';

/** The session prints every 0.2 s, so this long without output means that it hangs. */
const SILENCE_S = 5;

/**
 * The freeze of docs/facts/istio-vm.md 5.6: Istio's rules redirect a session that was opened before connection tracking
 * began. Both cases start with a reboot, so that no connection is tracked.
 */
export function freezeCases(computer: () => Computer): void {
  it("hangs open sessions, but not new ones, when Istio's own start script loads the rules", async () => {
    const { guest, run, machine } = computer();
    // As in the article: the package's own start script instead of our unit.
    expectOk(await run('bootstrap'));
    await guest.sh('systemctl disable --quiet istio');
    await guest.reboot();
    const session = await openSession(computer());
    try {
      await guest.sh('cd / && /usr/local/bin/istio-start.sh init');
      expect(await rules(guest)).toContain('-A OUTPUT -p tcp -j ISTIO_OUTPUT');
      // Output that was sent before the rules were loaded may still arrive.
      await session.hasOutput(1);
      expect(await session.hasOutput(SILENCE_S)).toBe(false);
      expect(
        (await machine.run({ file: 'echo', args: ['fresh'], effect: 'read', timeoutMs: 10_000 }, quiet)).stdout,
      ).toBe('fresh\n');
      expect(await session.hasOutput(SILENCE_S), 'the old session is still frozen').toBe(false);
    } finally {
      await session.close();
    }
  });

  it('keeps open sessions alive when our start script loads the rules', async () => {
    const { guest, run } = computer();
    await guest.reboot();
    expect(await rules(guest)).toEqual([]);
    const session = await openSession(computer());
    try {
      expectOk(await run('bootstrap'));
      await ready(guest);
      expect(await session.hasOutput(15)).toBe(true);
    } finally {
      await session.close();
    }
  });
}
