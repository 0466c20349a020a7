import { describe, expect, it } from 'vitest';
import { followOriginal } from '../../bench/original/follow.ts';
import { ourWorld } from '../../bench/ours.ts';
import { isRemote } from '../../bench/remote.ts';
import { LINUX, shipped } from './support/simulated.ts';

/** What the bench compares, held to what its table says: no machine's own speed is in it. */
describe('the article, followed by hand in the simulated world', () => {
  it.each([
    // 34 lines of its script call Multipass: one asks, the rest are sessions, and each CPU takes one branch of them.
    ['amd64', 26],
    ['arm64', 32],
  ] as const)('on %s ends with traffic both ways, after %s sessions for the sidecar', async (cpu, sessions) => {
    const followed = await followOriginal({ ...LINUX, cpu }, shipped);
    expect(followed.bootstrapCalls).toBe(sessions);
    expect(followed.commands).toBeGreaterThan(50);
    const ours = await ourWorld({ ...LINUX, cpu }, shipped).upTime();
    expect(ours).toBeLessThan(followed.makespanMs);
  });

  it.each(['amd64', 'arm64'] as const)('a bootstrap of ours on %s takes six sessions at most', async (cpu) => {
    const world = ourWorld({ ...LINUX, cpu }, shipped);
    await world.beforeBootstrap();
    const { commands, report } = await world.bootstrap();
    expect(report.changed).toBeGreaterThan(0);
    const sessions = commands.filter(({ command }) => isRemote(command));
    expect(sessions.length).toBeGreaterThan(0);
    expect(sessions.length).toBeLessThanOrEqual(6);
  });
});
