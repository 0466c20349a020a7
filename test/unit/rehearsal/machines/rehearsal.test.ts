import { quiet } from '../../../support/context.ts';
import { describe, expect, it } from 'vitest';
import { createRehearsal } from '../../../../src/rehearsal/index.ts';
import { HOST, shipped } from './rig.ts';

describe('a rehearsal', () => {
  it('simulates a whole computer behind the system interfaces, in virtual time', async () => {
    const { system, world, transcript, drive } = createRehearsal({
      host: HOST,
      shipped,
      foreign: [{ name: 'foreign', state: 'Deleted' }],
      seedFiles: { '/home/u/lab/run.env': 'X=1\n' },
    });
    const startedAt = system.clock.now();
    const list = await drive(() =>
      system.processes.run({ file: 'multipass', args: ['list', '--format', 'json'], effect: 'read' }, quiet),
    );
    expect(list.stdout).toContain('foreign');
    const client = await drive(() =>
      system.processes.run({ file: 'kubectl', args: ['version', '--client', '--output=json'], effect: 'read' }, quiet),
    );
    expect(client.exitCode).toBe(0);
    expect(await system.files.readText('/home/u/lab/run.env')).toBe('X=1\n');
    expect(transcript.map(({ command }) => command.file)).toEqual(['multipass', 'kubectl']);
    expect(system.clock.now()).toBeGreaterThan(startedAt);
    expect(world.refused).toEqual([]);
  });

  it('injects the chosen faults, and rejects unknown ones', async () => {
    expect(createRehearsal({ host: HOST, shipped, faults: ['arm64-deb-missing'] }).world.host.cpu).toBe('arm64');
    expect(createRehearsal({ host: HOST, shipped, faults: ['daemon-down'] }).world.engine.daemonUp).toBe(false);
    expect(() => createRehearsal({ host: HOST, shipped, faults: ['nosuch'] })).toThrow(/no fault named nosuch/);
  });

  it('is deterministic', async () => {
    const run = async (): Promise<readonly number[]> => {
      const { system, transcript, drive } = createRehearsal({ host: HOST, shipped });
      const launch = (name: string) =>
        system.processes.run({ file: 'multipass', args: ['launch', '22.04', '--name', name], effect: 'write' }, quiet);
      await drive(() => Promise.all(['a', 'b'].map(launch)));
      return transcript.map(({ endedAt }) => endedAt);
    };
    expect(await run()).toEqual(await run());
  });
});
