import { quiet } from '../../support/context.ts';
import { createFixture } from 'fs-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineState } from '../../../src/machines/machine.ts';
import { createOwnership, MARKER, type Ownership } from '../../../src/machines/ownership.ts';
import { createFiles } from '../../../src/system/files.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { fakeProcesses, type FakeProcesses } from '../../support/fake-processes.ts';

describe('createOwnership', () => {
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  let guest: FakeProcesses;
  let ownership: Ownership;
  const record = (): string => fixture.getPath('data/machines.json');

  const make = (lab = 'lab-a'): Ownership =>
    createOwnership({
      files: createFiles(),
      clock: fakeClock(Date.UTC(2026, 0, 2)),
      config: { lab, paths: { machinesRecord: record() } },
      engine: { name: 'multipass', machine: () => guest as never },
    });
  const ownerOf = (state: MachineState, name = 'k1'): Promise<string> =>
    ownership.isOurs({ name, state, addresses: [] }, quiet);

  beforeEach(async () => {
    fixture = await createFixture();
    guest = fakeProcesses();
    ownership = make();
  });
  afterEach(() => fixture.rm());

  it('records machines before they are launched, several at once', async () => {
    await Promise.all(['k2', 'k1', 'k3'].map((name) => ownership.intend(name)));
    await Promise.all([ownership.forget('k3'), ownership.forget('never-there')]);
    expect(await ownership.recorded()).toEqual(['k1', 'k2']);
    expect(JSON.parse((await createFiles().readText(record())) ?? '')).toEqual({
      version: 1,
      lab: 'lab-a',
      machines: {
        k1: { engine: 'multipass', recordedAt: '2026-01-02T00:00:00.000Z' },
        k2: { engine: 'multipass', recordedAt: '2026-01-02T00:00:00.000Z' },
      },
    });
    expect(await make().recorded()).toEqual(['k1', 'k2']);
  });

  it('reports when an unfinished launch was recorded', async () => {
    expect(await ownership.unfinishedSince('k1')).toBeUndefined();
    await ownership.intend('k1');
    expect(await ownership.unfinishedSince('k1')).toBe(Date.UTC(2026, 0, 2));
    await ownership.confirm('k1');
    expect(await ownership.unfinishedSince('k1')).toBeUndefined();
  });

  it('removes the temporary file that a killed run left beside the record', async () => {
    await createFiles().write(fixture.getPath('data/.machines.json.4194304-abcdef012345.tmp'), '{');
    await ownership.forget('k1');
    expect(await createFiles().list(fixture.getPath('data'))).toEqual([]);
  });

  it('trusts the label of an engine that keeps labels, and queries no machine', async () => {
    await ownership.intend('k1');
    const withLabel = (lab: string | null) =>
      ownership.isOurs({ name: 'k1', state: 'running', addresses: [], lab }, quiet);
    expect([await withLabel('lab-a'), await withLabel('lab-b'), await withLabel(null)]).toEqual([
      'ours',
      'foreign',
      'foreign',
    ]);
    expect(guest.lines).toEqual([]);
  });

  it('reads the mark of a running machine', async () => {
    guest.on(`cat ${MARKER}`, { stdout: 'lab-a\n' }, { stdout: 'lab-b\n' });
    expect(await ownerOf('running')).toBe('ours');
    expect(await ownerOf('running')).toBe('foreign');
  });

  it('trusts the machine over the record', async () => {
    await ownership.intend('k1');
    guest.on(`cat ${MARKER}`, { stdout: 'lab-b\n' });
    expect(await ownerOf('running')).toBe('foreign');
  });

  it('reports a machine without a mark as foreign, and as unknown when it is recorded', async () => {
    guest.on(`cat ${MARKER}`, { exitCode: 1, stderr: `cat: ${MARKER}: No such file or directory` });
    expect(await ownerOf('running')).toBe('foreign');
    await ownership.intend('k1');
    await ownership.confirm('k1');
    expect(await ownerOf('running')).toBe('unknown');
    expect(guest.lines).not.toContain('cloud-init status --wait');
  });

  it('waits for cloud-init to finish or fail when an interrupted launch has no mark yet', async () => {
    await ownership.intend('k1');
    const absent = { exitCode: 1, stderr: `cat: ${MARKER}: No such file or directory` };
    guest
      .on(`cat ${MARKER}`, absent, { stdout: 'lab-a\n' }, absent, absent)
      .on('cloud-init status --wait', {}, { exitCode: 1 });
    expect(await ownerOf('running')).toBe('ours');
    expect(await ownerOf('running')).toBe('unknown');
  });

  it.each<MachineState>(['stopped', 'suspended', 'deleted', 'unknown', 'starting'])(
    'uses the record when the machine is %s',
    async (state) => {
      expect(await ownerOf(state)).toBe('unknown');
      await ownership.intend('k1');
      expect(await ownerOf(state)).toBe('ours');
      expect(await ownerOf(state, 'k2')).toBe('unknown');
      expect(guest.lines).toEqual([]);
    },
  );

  it('uses the record when a running machine does not answer', async () => {
    guest.on(`cat ${MARKER}`, { exitCode: 2, stderr: "exec failed: ssh connection failed: 'Timeout'" });
    expect(await ownerOf('running')).toBe('unknown');
    await ownership.intend('k1');
    expect(await ownerOf('running')).toBe('ours');
  });

  it.each([
    '',
    '{',
    '[]',
    '{"version":2,"lab":"lab-a","machines":{}}',
    '{"version":1,"lab":"lab-b","machines":{"k1":{"engine":"multipass","recordedAt":""}}}',
  ])('ignores a record that is broken or of another lab: %s', async (text) => {
    await createFiles().write(record(), text);
    expect(await ownerOf('stopped')).toBe('unknown');
    await ownership.intend('k2');
    expect(await ownership.recorded()).toEqual(['k2']);
  });
});
