import { describe, expect, it } from 'vitest';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';
import { inOneWorld } from './support/cli.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';
const names = (lab: Simulated): readonly string[] => [...lab.world.engine.instances.keys()].sort();

/** Adds a copy of a machine under another name. */
function addCopy(lab: Simulated, of: string, name: string, labName: string): void {
  const { instances } = lab.world.engine;
  const copy = { ...lab.machine(of), name, files: new Map(lab.machine(of).files) };
  copy.files.set('/etc/istio-vms/lab', { ...copy.files.get('/etc/istio-vms/lab')!, content: labName });
  instances.set(name, copy);
}

describe('machines left over from previous settings', () => {
  it('are reported by up and status, and deleted by up --prune, after WORKLOAD_VM_NAME has changed', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    const changed = ['--set', 'WORKLOAD_VM_NAME=vm-new'];
    const up = await run(['up', ...changed]);
    expect(up.code).toBe(0);
    expect(up.stdout).toContain(`Left over from previous settings: ${VM}; \`istio-vms up --prune\` deletes it.`);
    expect((await run(['status', ...changed])).stdout).toContain('1 machine left over from previous settings');
    const prune = await run(['up', '--prune', ...changed]);
    expect(prune.code).toBe(0);
    expect(names(lab)).toEqual(['k3s-master', 'k3s-worker-1', 'k3s-worker-2', 'vm-new']);
    expect((await run(['status', ...changed])).stdout).not.toContain('Left over');
    expect((await run(['up', '--prune', ...changed])).writes).toEqual([]);
  });

  it('are deleted by up --delete after NODE_PREFIX and WORKLOAD_VM_NAME have changed', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    const changed = ['--set', 'NODE_PREFIX=new', '--set', 'WORKLOAD_VM_NAME=vm-new'];
    expect((await run(['up', '--skip-verify', ...changed])).code).toBe(0);
    expect(names(lab)).toHaveLength(8);
    expect((await run(['up', '--delete', ...changed])).code).toBe(0);
    expect(names(lab)).toEqual([]);
  });

  it('do not include machines of another lab or machines that are not on record', async () => {
    const lab = watch(await labThatIsUp());
    addCopy(lab, VM, 'other-vm', 'other');
    // A lab of the same LAB_NAME in another directory: labeled as part of the lab, but not on record here.
    addCopy(lab, VM, 'elsewhere-vm', lab.config.lab);
    const run = await inOneWorld(lab);
    const changed = ['--set', 'WORKLOAD_VM_NAME=vm-new'];
    expect((await run(['up', '--prune', ...changed])).code).toBe(0);
    expect(names(lab)).toEqual(['elsewhere-vm', 'k3s-master', 'k3s-worker-1', 'k3s-worker-2', 'other-vm', 'vm-new']);
    // A machine of another lab under a name that is on record.
    addCopy(lab, 'vm-new', VM, 'other');
    await lab.drive(async () => lab.lab().ownership.intend(VM));
    expect((await run(['up', '--delete', ...changed])).code).toBe(0);
    expect(names(lab)).toEqual(['elsewhere-vm', 'other-vm', VM].sort());
  });
});
