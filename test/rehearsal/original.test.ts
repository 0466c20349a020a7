import { describe, expect, it } from 'vitest';
import { followOriginal } from '../../bench/original/follow.ts';
import { ourWorld } from '../../bench/ours.ts';
import { isRemote } from '../../bench/remote.ts';
import { LINUX, shipped } from './support/simulated.ts';

/** Checks the numbers of the benchmark that do not depend on the speed of the computer. */
describe('the steps of the article in the simulated world', () => {
  it.each([
    // 34 lines of the article's script call Multipass: one is a query, the others are sessions, some of them for one CPU only.
    ['amd64', 26],
    ['arm64', 32],
  ] as const)('on %s lead to traffic in both directions, after %s sessions for the sidecar', async (cpu, sessions) => {
    const followed = await followOriginal({ ...LINUX, cpu }, shipped);
    expect(followed.bootstrapCalls).toBe(sessions);
    expect(followed.commands).toBeGreaterThan(50);
    const ours = await ourWorld({ ...LINUX, cpu }, shipped).upTime();
    expect(ours).toBeLessThan(followed.makespanMs);
  });

  it.each(['amd64', 'arm64'] as const)('need at most six sessions for bootstrap on %s with istio-vms', async (cpu) => {
    const world = ourWorld({ ...LINUX, cpu }, shipped);
    await world.beforeBootstrap();
    const { commands, report } = await world.bootstrap();
    expect(report.changed).toBeGreaterThan(0);
    const sessions = commands.filter(({ command }) => isRemote(command));
    expect(sessions.length).toBeGreaterThan(0);
    expect(sessions.length).toBeLessThanOrEqual(6);
  });
});
