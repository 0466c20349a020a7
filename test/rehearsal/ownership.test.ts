import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { workloadCloudInit } from '../../src/guest/cloud-init.ts';
import type { Instance } from '../../src/rehearsal/world.ts';
import { labThatIsUp, refusals, simulated, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';
const OURS = ['k3s-master', 'k3s-worker-1', 'k3s-worker-2', VM];

const FOREIGN: readonly Pick<Instance, 'name' | 'state'>[] = [
  { name: 'primary', state: 'Running' },
  { name: 'build-box', state: 'Stopped' },
  { name: 'old-experiment', state: 'Deleted' },
];

/** Everything of these machines that could have been touched. */
const fingerprint = (lab: Simulated, names: readonly string[]): unknown =>
  names.map((name) => {
    const { state, address, bootId, files, units } = lab.machine(name);
    return { name, state, address, bootId, files: [...files.keys()].sort(), units: [...units.keys()] };
  });

describe('machines of other people', () => {
  const names = FOREIGN.map(({ name }) => name);

  it('survive up, up --recreate and up --delete, the soft-deleted one too', async () => {
    const lab = watch(simulated({ foreign: FOREIGN }));
    const before = fingerprint(lab, names);
    for (const run of [lab.up, lab.recreate, lab.down]) expect((await run()).report.error).toBeUndefined();
    expect(fingerprint(lab, names)).toEqual(before);
    expect([...lab.world.engine.instances.keys()]).toEqual(names);
    for (const { command } of lab.transcript) {
      expect(command.args).not.toEqual(['purge']);
      if (command.file === 'multipass') for (const name of names) expect(command.args).not.toContain(name);
    }
  });

  it.each<Instance['state']>(['Running', 'Stopped', 'Deleted'])(
    'are refused and not touched when one has a name of ours and is %s',
    async (state) => {
      const lab = watch(simulated({ foreign: [{ name: 'k3s-worker-1', state }] }));
      const before = fingerprint(lab, ['k3s-worker-1']);
      const up = await lab.up();
      expect(up.report.error?.reason).toBe('foreign-machine');
      expect(up.report.error?.message).toContain('k3s-worker-1');
      expect(up.report.error?.facts.hint).toContain('NODE_PREFIX');
      const down = await lab.down();
      expect(down.report.error?.reason).toBe('foreign-machine');
      const recreate = await lab.step('k3s', { kind: 'recreate' });
      expect(recreate.report.error?.reason).toBe('foreign-machine');
      expect(fingerprint(lab, ['k3s-worker-1'])).toEqual(before);
      // What we had made besides it is gone all the same.
      expect([...lab.world.engine.instances.keys()]).toEqual(['k3s-worker-1']);
    },
  );

  it('stay when they belong to a lab of another name', async () => {
    const lab = watch(await labThatIsUp());
    const before = fingerprint(lab, OURS);
    const set = { LAB_NAME: 'second' };
    const up = await lab.up({ set });
    expect(up.report.error?.reason).toBe('foreign-machine');
    expect((await lab.down({ set })).report.error?.reason).toBe('foreign-machine');
    expect(fingerprint(lab, OURS)).toEqual(before);
  });

  it('belong to one of two labs that run side by side', async () => {
    const lab = watch(await labThatIsUp());
    const before = fingerprint(lab, OURS);
    const set = {
      LAB_NAME: 'second',
      NODE_PREFIX: 'two',
      WORKLOAD_VM_NAME: 'two-vm',
      DATA_DIR: '.two',
      TEMP_DIR: '.two-tmp',
    };
    expect((await lab.down({ set })).report.error).toBeUndefined();
    expect(fingerprint(lab, OURS)).toEqual(before);
  });
});

describe('a lost record', () => {
  it('still lets us delete running machines, which carry our label', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.machinesRecord);
    expect((await lab.up()).report.error).toBeUndefined();
    await lab.files.remove(lab.config.paths.machinesRecord);
    expect((await lab.down()).report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
  });

  it("a stopped machine without a record could be anybody's: it is refused, and the rest goes", async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.machinesRecord);
    await lab.shell('multipass stop k3s-worker-2');
    const { report } = await lab.down();
    expect(report.error?.reason).toBe('foreign-machine');
    expect([...lab.world.engine.instances.keys()]).toEqual(['k3s-worker-2']);
  });

  it.each(['{', '{"version":1,"lab":"other","machines":{}}', ''])(
    'is treated as missing when it is %j',
    async (text) => {
      const lab = watch(await labThatIsUp());
      await lab.files.write(lab.config.paths.machinesRecord, text);
      expect((await lab.down()).report.error).toBeUndefined();
      expect(lab.world.engine.instances.size).toBe(0);
    },
  );
});

describe('a launch that was interrupted', () => {
  it('is waited for by the next run, which launches nothing again', async () => {
    const lab = watch(await labThatIsUp());
    const path = lab.config.paths.machinesRecord;
    const record = JSON.parse((await lab.files.readText(path))!) as { machines: Record<string, { upSince?: string }> };
    delete record.machines['k3s-worker-1']!.upSince;
    await lab.files.write(path, JSON.stringify(record));
    const finding = (await lab.plan()).find(({ step }) => step.id === 'worker-1')?.finding;
    expect(finding).toEqual({ drifted: 'the first start of k3s-worker-1 was interrupted' });
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect({ changed: run.changed, writes: run.writes }).toEqual({ changed: ['worker-1'], writes: [] });
    expect(run.reads.some((line) => line.includes('-n k3s-worker-1 -- cloud-init status --wait'))).toBe(true);
    expect((await lab.up()).changed).toEqual([]);
  });

  /** A run that was killed with SIGKILL in its launch of the VM, whose client lives on; then time passes. */
  const afterAKill = async (passed: number, cloudInit: object, onRecord = true): Promise<Simulated> => {
    const lab = watch(simulated());
    lab.world.engine.images.add('22.04');
    const recordedAt = new Date(lab.world.clock.now()).toISOString();
    const machines = onRecord ? { [VM]: { engine: 'multipass', recordedAt } } : {};
    await lab.files.write(
      lab.config.paths.machinesRecord,
      JSON.stringify({ version: 1, lab: lab.config.lab, machines }),
    );
    const args = ['launch', '22.04', '--name', VM, '--cpus', '1', '--memory', '1G', '--disk', '5G', '--timeout', '900'];
    const stdin = `#cloud-config\n${stringify(cloudInit)}`;
    void lab.system.processes
      .run(
        { file: 'multipass', args: [...args, '--cloud-init', '-'], effect: 'write', timeoutMs: 3_600_000, stdin },
        quiet,
      )
      .catch(() => undefined);
    await lab.pass(passed);
    return lab;
  };
  // It appears six seconds after its launch: forty moments a second around our look and our launch.
  const moments = Array.from({ length: 48 }, (_, index) => 5_000 + index * 25);

  it("may come up at any moment of the next one, and is not taken for somebody else's", async () => {
    for (const passed of moments) {
      const lab = await afterAKill(passed, workloadCloudInit(simulated().config));
      const { report } = await lab.step('vm');
      expect(report.error?.message, `after ${passed} ms`).toBeUndefined();
      expect(lab.world.engine.instances.size).toBe(1);
    }
  });

  it.each([
    ['on record', true],
    ['that somebody else makes at this moment', false],
  ])('without our mark, %s, is refused whenever it comes up, and is not taken for ours later', async (_, onRecord) => {
    for (const passed of moments) {
      const lab = await afterAKill(passed, {}, onRecord);
      expect((await lab.step('vm')).report.error?.reason, `after ${passed} ms`).toBe('foreign-machine');
      expect(await lab.lab().ownership.recorded(), `after ${passed} ms`).toEqual([]);
      await lab.pass(60_000);
      // One that rests cannot be asked whose it is.
      await lab.shell(`multipass stop ${VM}`);
      for (const kind of ['delete', 'apply'] as const) {
        expect((await lab.step('vm', { kind })).report.error?.reason).toBe('foreign-machine');
      }
      expect(lab.machine(VM).state).toBe('Stopped');
    }
  });

  it('is deleted with the rest, although the engine does not list it yet', async () => {
    for (const passed of [0, 3_000, 5_500]) {
      const lab = await afterAKill(passed, workloadCloudInit(simulated().config));
      const { report, said } = await lab.down();
      expect(report.error).toBeUndefined();
      expect(said).toContain(`vm: its launch was interrupted: checking for 90s whether ${VM} starts after all`);
      await lab.pass(600_000);
      expect(lab.world.engine.instances.size).toBe(0);
      const before = lab.world.clock.now();
      expect((await lab.down()).report.error).toBeUndefined();
      expect(lab.world.clock.now() - before).toBeLessThan(5_000);
    }
  });

  it('is not waited for when the launch was refused', async () => {
    const lab = watch(simulated({ set: { RUN_OS: '23.04' } }));
    expect((await lab.step('vm')).report.error?.reason).toBe('invalid-configuration');
    expect(await lab.lab().ownership.recorded()).toEqual([]);
    expect((await lab.down()).said.join()).not.toContain('its launch was cut');
  });

  it('is not waited for when it began so long ago that it would be there', async () => {
    const lab = await afterAKill(0, {});
    await lab.shell(`multipass list --format json`);
    await lab.pass(60_000);
    await lab.shell(`multipass delete --purge ${VM}`);
    await lab.pass(900_000);
    expect((await lab.down()).said.join()).not.toContain('its launch was cut');
  });

  it('is started and waited for when the machine was stopped meanwhile', async () => {
    const lab = watch(simulated());
    const interrupt = new AbortController();
    lab.world.clock.after(95_000, () => interrupt.abort());
    await lab.up({ signal: interrupt.signal });
    await lab.pass(120_000);
    for (const [name, { state }] of lab.world.engine.instances)
      if (state === 'Running') await lab.shell(`multipass stop ${name}`);
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });
});

describe('a machine that somebody made in place of ours', () => {
  it.each([VM, 'k3s-worker-1', 'k3s-master'])('is not changed although its name is on record: %s', async (name) => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass delete --purge ${name}`);
    await lab.shell(
      `multipass launch 22.04 --name ${name} --cpus 1 --memory 1G --disk 5G --timeout 900 --cloud-init -`,
      '#cloud-config\n{}\n',
    );
    const before = fingerprint(lab, [name]);
    const { report } = await lab.up();
    expect(report.error?.reason).toBe('foreign-machine');
    expect(report.error?.message).toContain('does not belong to the lab');
    expect(fingerprint(lab, [name])).toEqual(before);
  });

  it('is not removed although its name is on record', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass delete --purge ${VM}`);
    await lab.shell(
      `multipass launch 22.04 --name ${VM} --cpus 1 --memory 1G --disk 5G --timeout 900 --cloud-init -`,
      '#cloud-config\n{}\n',
    );
    const { report } = await lab.step('vm', { kind: 'delete' });
    expect(report.error?.reason).toBe('foreign-machine');
    expect(lab.machine(VM).state).toBe('Running');
  });
});

describe('removing in the middle', () => {
  it.each([30_000, 95_000, 130_000, 160_000])(
    'deletes all of ours after an up that was interrupted at %i ms',
    async (after) => {
      const lab = watch(simulated({ foreign: FOREIGN }));
      const interrupt = new AbortController();
      lab.world.clock.after(after, () => interrupt.abort());
      const up = await lab.up({ signal: interrupt.signal });
      expect(up.report.error?.reason).toBe('interrupted');
      const down = await lab.down();
      expect(down.report.error).toBeUndefined();
      expect([...lab.world.engine.instances.keys()]).toEqual(FOREIGN.map(({ name }) => name));
      expect((await lab.down()).writes).toEqual([]);
    },
  );

  it('deletes machines that are stopped or soft-deleted, also when one is already purged', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    await lab.shell('multipass delete k3s-worker-1');
    await lab.shell(`multipass delete --purge ${VM}`);
    expect((await lab.down()).report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
  });
});
