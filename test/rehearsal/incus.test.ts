import { describe, expect, it } from 'vitest';
import { cli, inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
const set = { MACHINE_ENGINE: 'incus' };
const INCUS = ['--set', 'MACHINE_ENGINE=incus'];

describe('a rehearsal with MACHINE_ENGINE=incus', () => {
  it('creates the lab, verifies it, writes nothing in a second up, and deletes it', async () => {
    const lab = watch(simulated({ set }));
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
    const again = await lab.up();
    expect(again.report.error).toBeUndefined();
    expect(again.writes).toEqual([]);
    expect((await lab.down()).report.error).toBeUndefined();
    expect([...lab.world.engine.instances.keys()]).toEqual([]);
    const files = new Set(lab.transcript.map(({ command }) => command.file));
    expect(files).toContain('incus');
    expect(files).not.toContain('multipass');
  });

  it('uses the remote, project, network and cluster members of the configuration', async () => {
    const settings = {
      ...{ INCUS_REMOTE: 'rack', INCUS_PROJECT: 'labs', INCUS_IMAGE: 'my-node', INCUS_TYPE: 'virtual-machine' },
      ...{ INCUS_NETWORK: 'wide', INCUS_TARGETS: 'm1,m2' },
    };
    const lab = watch(simulated({ set: { ...set, ...settings } }));
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
    const { stdout } = await lab.shell('incus list rack: --project labs --format json');
    const found = JSON.parse(stdout) as { name: string; type: string; location: string }[];
    expect(found.map(({ location }) => location).sort()).toEqual(['m1', 'm1', 'm2', 'm2']);
    expect(new Set(found.map(({ type }) => type))).toEqual(new Set(['virtual-machine']));
  });

  it("leaves another lab's instance alone", async () => {
    const lab = watch(simulated({ set, foreign: [{ name: 'k3s-worker-1', state: 'Running' }] }));
    expect((await lab.up()).report.error?.reason).toBe('foreign-machine');
    await lab.down();
    expect([...lab.world.engine.instances.keys()]).toEqual(['k3s-worker-1']);
  });

  it('lists the commands of Incus in plan --commands', async () => {
    const { code, stdout } = await cli(['plan', '--commands', '--rehearse', ...INCUS]);
    expect(code).toBe(0);
    expect(stdout).not.toContain('multipass');
    // In the order in which they start, and without commands on the machines.
    const incusCommands = stdout.split('\n').filter((line) => /^\S*\s*incus (?!exec )/.test(line));
    await expect(`${incusCommands.join('\n')}\n`).toMatchFileSnapshot('golden/plan-commands-incus.txt');
  });

  it('refuses a fault of the other engine', async () => {
    const { code, stderr } = await cli(['up', '--rehearse', '--fault', 'session-hung', ...INCUS]);
    expect(code).toBe(2);
    expect(stderr).toContain('The fault session-hung applies to MACHINE_ENGINE=multipass only.');
    const other = await cli(['up', '--rehearse', '--fault', 'kernel-modules-missing']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('The fault kernel-modules-missing applies to MACHINE_ENGINE=incus only.');
  });
});

/** Faults whose effect differs from Multipass: the reason why the run fails, if it does, and a message of the run. */
const OUTCOMES: readonly (readonly [fault: string, reason: string | undefined, message: string])[] = [
  ['kernel-modules-missing', undefined, 'master: starting k3s-master without loading kernel modules'],
  ['image-server-down', undefined, 'k3s-master: Incus is not ready yet, trying again'],
  ['exec-lost', undefined, 'the session was lost; retrying in a new one'],
  ['address-late', undefined, 'master: k3s-master: waiting for its address'],
  ['cloud-init-error', 'machine-failed', 'master: k3s-master: waiting for cloud-init'],
  ['daemon-restart', undefined, 'k3s-master: Incus is not ready yet, trying again'],
  ['second-address', undefined, 'sidecar: starting the sidecar'],
  ['vm-stopped', undefined, 'starting vm-istio-external-workload'],
  ['vm-moved', undefined, 'the session was lost; retrying in a new one'],
  ['vm-deleted', 'machine-failed', 'There is no machine vm-istio-external-workload.'],
  ['worker-stopped', 'timed-out', '(not Ready: k3s-worker-1)'],
  ['vm-rebooted', undefined, 'sidecar: starting the sidecar'],
];

describe('faults with Incus', () => {
  it.each(OUTCOMES)('%s ends as expected', async (fault, reason, sentence) => {
    const lab = watch(simulated({ set, faults: [fault] }));
    const { report, messages } = await lab.up();
    expect({ reason: report.error?.reason, message: reason === undefined ? report.error?.message : undefined }).toEqual(
      {
        reason,
        message: undefined,
      },
    );
    expect([...messages, report.error?.message ?? ''].join('\n')).toContain(sentence);
    expect([...lab.world.triggeredFaults]).toEqual([fault]);
    if (reason === undefined) expect((await lab.verify()).failed).toEqual([]);
  });

  it('daemon-down: starts nothing, and the next run succeeds when the daemon is up', async () => {
    const lab = watch(simulated({ set, faults: ['daemon-down'] }));
    await expect(lab.up()).rejects.toMatchObject({ reason: 'engine-unavailable' });
    expect(lab.transcript.filter(({ effect }) => effect === 'write')).toEqual([]);
    lab.world.engine.daemonUp = true;
    expect((await lab.up()).report.error).toBeUndefined();
  });
});

// These run last, because they make all rehearsals of this file use one world.
describe('in a lab on Incus that is up', () => {
  it.each(['up --delete', 'up', 'status', 'verify', 'env'])('runs %s', async (command) => {
    const run = await inOneWorld(watch(await labThatIsUp({ set })));
    const { code, stderr } = await run([...command.split(' '), ...INCUS]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  });
});
