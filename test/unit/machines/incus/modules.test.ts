import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFiles } from '../../../../src/rehearsal/files.ts';
import { createLab } from '../../../../src/steps/create-lab.ts';
import { machineSteps } from '../../../../src/steps/machines.ts';
import { createMask } from '../../../../src/system/mask.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { incusWorld, type IncusHost, type IncusWorld } from '../../../support/incus-world.ts';
import { labConfig } from '../../kube/lab.ts';

const shipped = { guest: { 'place.sh': readFileSync('data/guest/place.sh', 'utf8') } } as never;
const config = {
  ...labConfig(),
  engine: 'incus',
  engineSettings: { INCUS_IMAGE: 'images:u/cloud', INCUS_TYPE: 'container' },
};
const NODES = ['k3s-master', 'k3s-worker-1', 'k3s-worker-2'];
const ALL = [...NODES, config.workloads[0].name];

class Killed extends Error {}

/** A lab on a simulated host. Every `up` is a new run of the program; machines and files persist between runs. */
function setUp(host: IncusHost, names: readonly string[] = ALL) {
  const world = incusWorld(host);
  const files = createFiles();
  const clock = fakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const events: string[] = [];
  let killAt = Infinity;
  const recordEvent = (text: string): void => {
    // A killed run does nothing more.
    if (events.push(text) > killAt) throw new Killed(text);
  };
  world.onMoment = recordEvent;
  const record = {
    ...files,
    write: async (path: string, content: string | Uint8Array, mode?: number) => {
      recordEvent(`before writing ${path}`);
      await files.write(path, content, mode);
      recordEvent(`after writing ${path}`);
    },
  };
  const program = () => {
    const system = { processes: world.processes, clock, files: record, downloads: {} as never };
    const host = { platform: 'linux' as const, cpu: 'amd64' as const, cwd: '/lab', home: '/home/x', env: {} };
    const lab = createLab({
      config,
      host,
      shipped,
      system,
      mask: createMask(),
      options: { fixCa: true, fixPilot: true },
    });
    const steps = machineSteps(lab).filter(({ title }) => names.some((name) => title === `machine ${name}`));
    return { lab, steps };
  };
  /** Runs `up` and returns its messages; throws Killed when the run is killed at event `killedAt`. */
  const up = async (killedAt = Infinity): Promise<string[]> => {
    const said: string[] = [];
    const context = { say: (text: string) => void said.push(text), signal: new AbortController().signal };
    events.length = 0;
    killAt = killedAt;
    const { steps, lab } = program();
    const done = await Promise.allSettled(
      steps.map(async (step) => {
        if ((await step.check(context)) !== 'ready') await step.apply(context);
        lab.machines.forget();
        expect(await step.check(context)).toBe('ready');
      }),
    );
    for (const each of done) if (each.status === 'rejected') throw each.reason as Error;
    return said;
  };
  return { world, up, events, program };
}

const expectRunning = ({ instances }: IncusWorld, names: readonly string[]): void => {
  expect([...instances.keys()].sort()).toEqual([...names].sort());
  for (const each of instances.values()) expect(each.state).toBe('Running');
};

describe('a run on a host that cannot load kernel modules', () => {
  it('creates no machine twice, and only the first start fails when they are launched one by one', async () => {
    const { world, program } = setUp({ modules: false });
    const { steps } = program();
    const said: string[] = [];
    for (const step of steps)
      await step.apply({ say: (text) => void said.push(text), signal: new AbortController().signal });
    const of = (verb: string): string[] => world.changes.filter((line) => line.startsWith(verb));
    expect(of('launch')).toHaveLength(ALL.length);
    expect(of('delete')).toEqual([]);
    expect(of('config')).toEqual(['config unset k3s-master linux.kernel_modules']);
    expect(of('start')).toEqual(['start k3s-master']);
    expect(said.filter((text) => text.includes('cannot load kernel modules'))).toHaveLength(1);
    expectRunning(world, ALL);
  });

  it('creates no machine twice when all are launched at once', async () => {
    const { world, up } = setUp({ modules: false });
    await up();
    expect(world.changes.filter((line) => line.startsWith('launch'))).toHaveLength(ALL.length);
    expect(world.changes.filter((line) => line.startsWith('delete'))).toEqual([]);
    expectRunning(world, ALL);
  });

  it('continues after an earlier run was killed at any point of a launch', async () => {
    const [node = ''] = NODES;
    const uninterrupted = setUp({ modules: false }, [node]);
    await uninterrupted.up();
    const count = uninterrupted.events.length;
    expect(count).toBeGreaterThan(10);
    for (let at = 0; at < count; at++) {
      const { world, up } = setUp({ modules: false }, [node]);
      await expect(up(at)).rejects.toThrow(Killed);
      await up();
      expectRunning(world, [node]);
    }
  });

  it('starts a stopped machine of an earlier run without its kernel modules', async () => {
    const [node = ''] = NODES;
    const host = { modules: true };
    const { world, up } = setUp(host, [node]);
    await up();
    const instance = world.instances.get(node);
    expect(instance?.config.has('linux.kernel_modules')).toBe(true);
    if (instance !== undefined) instance.state = 'Stopped';
    host.modules = false;
    world.changes.length = 0;
    await up();
    expect(world.changes).toEqual([`start ${node}`, `config unset ${node} linux.kernel_modules`, `start ${node}`]);
    expect(world.instances.get(node)).toBe(instance);
  });
});

describe('a machine that does not start', () => {
  const [node = ''] = NODES;

  it('is recreated when its launch never finished', async () => {
    const failsToStart = new Set<string>();
    const { world, up } = setUp({ modules: true, failsToStart }, [node]);
    // The run is killed after the machine is created and before it is started.
    await expect(up(3)).rejects.toThrow(/created$/);
    failsToStart.add(node);
    world.changes.length = 0;
    await up();
    expect(world.changes.map((line) => line.split(' ')[0])).toEqual(['start', 'delete', 'launch']);
    expectRunning(world, [node]);
  });

  it('is kept when it was running before, since it may hold a cluster', async () => {
    const failsToStart = new Set<string>();
    const { world, up } = setUp({ modules: true, failsToStart }, [node]);
    await up();
    const instance = world.instances.get(node);
    if (instance !== undefined) instance.state = 'Stopped';
    failsToStart.add(node);
    await expect(up()).rejects.toThrow(/incus/);
    expect(world.instances.get(node)).toBe(instance);
  });
});
