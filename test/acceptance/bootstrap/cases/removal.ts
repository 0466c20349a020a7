import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import { removeScript } from '../../../../src/guest/sidecar.ts';
import { loadShippedData } from '../../../../src/system/shipped.ts';
import type { Computer } from '../computer.ts';
import { expectOk } from '../evidence.ts';
import { snapshot } from '../snapshot.ts';

const shipped = await loadShippedData();

/** Removing the sidecar from a machine that runs the demo workload, too. */
export function removalCases(computer: () => Computer, before: () => readonly string[]): void {
  it('restores the machine to its former state when the sidecar is removed', async () => {
    const { machine, guest, run } = computer();
    expectOk(await run('route'));
    expect((await machine.put([], removeScript(shipped), quiet)).stdout).toBe('removed\n');
    expect(await snapshot(guest)).toEqual(before());
    expect(await guest.sh('pgrep -f "[p]ilot-agent proxy|[b]in/envoy" || true')).toBe('');
  });

  it('removes nothing when the sidecar is already removed', async () => {
    const { machine, guest } = computer();
    expect((await machine.put([], removeScript(shipped), quiet)).stdout).toBe('removed\n');
    expect(await snapshot(guest)).toEqual(before());
  });
}
