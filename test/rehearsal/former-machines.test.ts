import { describe, expect, it } from 'vitest';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';
import { inOneWorld } from './support/cli.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';
const names = (lab: Simulated): readonly string[] => [...lab.world.engine.instances.keys()].sort();

/** A machine in the simulated engine that looks like this one, under another name. */
function addCopy(lab: Simulated, of: string, name: string, labName: string): void {
  const { instances } = lab.world.engine;
  const copy = { ...lab.machine(of), name, files: new Map(lab.machine(of).files) };
  copy.files.set('/etc/istio-vms/lab', { ...copy.files.get('/etc/istio-vms/lab')!, content: labName });
  instances.set(name, copy);
}

describe('machines of former settings', () => {
  it('the VM of another WORKLOAD_VM_NAME is reported by up and status, and deleted by up --prune', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    const now = ['--set', 'WORKLOAD_VM_NAME=vm-new'];
    const up = await run(['up', ...now]);
    expect(up.code).toBe(0);
    expect(up.stdout).toContain(`Left over from previous settings: ${VM}; \`istio-vms up --prune\` deletes it.`);
    expect((await run(['status', ...now])).stdout).toContain('1 machine left over from previous settings');
    const prune = await run(['up', '--prune', ...now]);
    expect(prune.code).toBe(0);
    expect(names(lab)).toEqual(['k3s-master', 'k3s-worker-1', 'k3s-worker-2', 'vm-new']);
    expect((await run(['status', ...now])).stdout).not.toContain('Left over');
    expect((await run(['up', '--prune', ...now])).writes).toEqual([]);
  });

  it('the nodes of another NODE_PREFIX and the former VM go with up --delete', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    const now = ['--set', 'NODE_PREFIX=new', '--set', 'WORKLOAD_VM_NAME=vm-new'];
    expect((await run(['up', '--skip-verify', ...now])).code).toBe(0);
    expect(names(lab)).toHaveLength(8);
    expect((await run(['up', '--delete', ...now])).code).toBe(0);
    expect(names(lab)).toEqual([]);
  });

  it('are never machines of another lab or machines that are not on record', async () => {
    const lab = watch(await labThatIsUp());
    addCopy(lab, VM, 'other-vm', 'other');
    // The same LAB_NAME in another directory: its mark is ours, its record is not.
    addCopy(lab, VM, 'elsewhere-vm', lab.config.lab);
    const run = await inOneWorld(lab);
    const now = ['--set', 'WORKLOAD_VM_NAME=vm-new'];
    expect((await run(['up', '--prune', ...now])).code).toBe(0);
    expect(names(lab)).toEqual(['elsewhere-vm', 'k3s-master', 'k3s-worker-1', 'k3s-worker-2', 'other-vm', 'vm-new']);
    // A machine of somebody else under a name that is on record.
    addCopy(lab, 'vm-new', VM, 'other');
    await lab.drive(async () => lab.lab().ownership.intend(VM));
    expect((await run(['up', '--delete', ...now])).code).toBe(0);
    expect(names(lab)).toEqual(['elsewhere-vm', 'other-vm', VM].sort());
  });
});
