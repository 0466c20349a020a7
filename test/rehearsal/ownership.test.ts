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

/** The state of these machines that a command could change. */
const fingerprint = (lab: Simulated, names: readonly string[]): unknown =>
  names.map((name) => {
    const { state, address, bootId, files, units } = lab.machine(name);
    return { name, state, address, bootId, files: [...files.keys()].sort(), units: [...units.keys()] };
  });

describe('foreign machines', () => {
  const names = FOREIGN.map(({ name }) => name);

  it('are unchanged by up, up --recreate and up --delete, even if soft-deleted', async () => {
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
    'cause an error and are unchanged when one has a name of the lab and is %s',
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
      // The machines of the lab are deleted nevertheless.
      expect([...lab.world.engine.instances.keys()]).toEqual(['k3s-worker-1']);
    },
  );

  it('are unchanged when they belong to a lab of another name', async () => {
    const lab = watch(await labThatIsUp());
    const before = fingerprint(lab, OURS);
    const set = { LAB_NAME: 'second' };
    const up = await lab.up({ set });
    expect(up.report.error?.reason).toBe('foreign-machine');
    expect((await lab.down({ set })).report.error?.reason).toBe('foreign-machine');
    expect(fingerprint(lab, OURS)).toEqual(before);
  });

  it('are unchanged when a second lab under other names is deleted', async () => {
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
  it('does not prevent the deletion of running machines, which are labeled as part of the lab', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.machinesRecord);
    expect((await lab.up()).report.error).toBeUndefined();
    await lab.files.remove(lab.config.paths.machinesRecord);
    expect((await lab.down()).report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
  });

  it('prevents the deletion of a stopped machine, whose label cannot be read, and of no other', async () => {
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
  it('is completed by the next run, which launches nothing again', async () => {
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

  /** A lab whose run was killed during the launch of the VM while the client continued, this number of milliseconds later. */
  const afterKill = async (elapsed: number, cloudInit: object, onRecord = true): Promise<Simulated> => {
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
    await lab.pass(elapsed);
    return lab;
  };
  // The machine appears six seconds after its launch, so these cover the time around the check and the launch of the next run.
  const elapsedTimes = Array.from({ length: 48 }, (_, index) => 5_000 + index * 25);

  it('can complete at any time during the next run, and is not taken for a foreign machine', async () => {
    for (const elapsed of elapsedTimes) {
      const lab = await afterKill(elapsed, workloadCloudInit(simulated().config));
      const { report } = await lab.step('vm');
      expect(report.error?.message, `after ${elapsed} ms`).toBeUndefined();
      expect(lab.world.engine.instances.size).toBe(1);
    }
  });

  it.each([
    ['on record', true],
    ['not on record', false],
  ])(
    'is an error at any time when its machine is not labeled as part of the lab and is %s, also later',
    async (_, onRecord) => {
      for (const elapsed of elapsedTimes) {
        const lab = await afterKill(elapsed, {}, onRecord);
        expect((await lab.step('vm')).report.error?.reason, `after ${elapsed} ms`).toBe('foreign-machine');
        expect(await lab.lab().ownership.recorded(), `after ${elapsed} ms`).toEqual([]);
        await lab.pass(60_000);
        // The label of a stopped machine cannot be read.
        await lab.shell(`multipass stop ${VM}`);
        for (const kind of ['delete', 'apply'] as const) {
          expect((await lab.step('vm', { kind })).report.error?.reason).toBe('foreign-machine');
        }
        expect(lab.machine(VM).state).toBe('Stopped');
      }
    },
  );

  it('is deleted with the other machines, although the engine does not list it yet', async () => {
    for (const elapsed of [0, 3_000, 5_500]) {
      const lab = await afterKill(elapsed, workloadCloudInit(simulated().config));
      const { report, messages } = await lab.down();
      expect(report.error).toBeUndefined();
      expect(messages).toContain(`vm: its launch was interrupted: checking for 90s whether ${VM} starts after all`);
      await lab.pass(600_000);
      expect(lab.world.engine.instances.size).toBe(0);
      const before = lab.world.clock.now();
      expect((await lab.down()).report.error).toBeUndefined();
      expect(lab.world.clock.now() - before).toBeLessThan(5_000);
    }
  });

  it('is not waited for when the engine rejected it', async () => {
    const lab = watch(simulated({ set: { RUN_OS: '23.04' } }));
    expect((await lab.step('vm')).report.error?.reason).toBe('invalid-configuration');
    expect(await lab.lab().ownership.recorded()).toEqual([]);
    expect((await lab.down()).messages.join()).not.toContain('its launch was cut');
  });

  it('is not waited for when it began so long ago that it would be complete', async () => {
    const lab = await afterKill(0, {});
    await lab.shell(`multipass list --format json`);
    await lab.pass(60_000);
    await lab.shell(`multipass delete --purge ${VM}`);
    await lab.pass(900_000);
    expect((await lab.down()).messages.join()).not.toContain('its launch was cut');
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
    expect((await lab.verify()).failed).toEqual([]);
  });
});

describe('a foreign machine in place of one of the lab', () => {
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

  it('is not deleted although its name is on record', async () => {
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

describe('up --delete of an incomplete lab', () => {
  it.each([30_000, 95_000, 130_000, 160_000])(
    'deletes all machines of the lab after an up that was interrupted at %i ms',
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

  it('deletes machines that are stopped or soft-deleted, even if one is already purged', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    await lab.shell('multipass delete k3s-worker-1');
    await lab.shell(`multipass delete --purge ${VM}`);
    expect((await lab.down()).report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
  });
});
