import { describe, expect, it } from 'vitest';
import type { StepCommand } from '../../src/steps/lab-step.ts';
import { inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

const ARTICLE: readonly StepCommand[] = [
  'k3s',
  'istioctl',
  'istio',
  'eastwest',
  'vm',
  'workload',
  'bootstrap',
  'route',
];

describe('each step alone', () => {
  it("makes the lab in the article's order, and does nothing a second time", async () => {
    const run = await inOneWorld(watch(simulated()));
    for (const command of ARTICLE) {
      const first = await run([command]);
      expect({ command, code: first.code, stderr: first.code === 0 ? '' : first.stderr }).toEqual({
        command,
        code: 0,
        stderr: '',
      });
      expect(first.stdout).toMatch(/^(\d+ steps? applied|Everything is up to date)/);
      const second = await run([command]);
      expect({ command, code: second.code, writes: second.writes }).toEqual({ command, code: 0, writes: [] });
      expect(second.stdout).toContain('Everything is up to date; nothing changed.');
    }
    // The sample application is the proofs' own.
    const proven = await run(['verify']);
    expect(proven.code).toBe(0);
    expect(proven.stdout).toContain('13 of 13 checks passed');
  });

  it.each<[StepCommand, RegExp]>([
    ['istio', /istio-vms k3s/],
    ['eastwest', /istio-vms k3s && istio-vms istioctl && istio-vms istio/],
    ['workload', /istio-vms k3s.*istio-vms vm|istio-vms vm.*istio-vms k3s/],
    ['bootstrap', /istio-vms vm.*istio-vms workload/],
    ['route', /istio-vms vm.*istio-vms workload/],
  ])(
    'fails for %s when prerequisites are missing, names their commands, and changes nothing',
    async (command, hint) => {
      const run = await inOneWorld(watch(simulated()));
      const early = await run([command, '-o', 'json']);
      expect(early.code).toBe(2);
      expect(early.writes).toEqual([]);
      const { error } = JSON.parse(early.stdout);
      expect(error.reason).toBe('prerequisite-missing');
      expect(error.hint).toMatch(hint);
      expect(error.message).toContain('nothing was changed');
      expect(early.stderr).toContain('Reason: prerequisite-missing (exit code 2)');
    },
  );

  it('reports what is missing at every stage of the article', async () => {
    const lab = watch(simulated());
    const earliest: Partial<Record<StepCommand, StepCommand>> = {
      istio: 'istioctl',
      eastwest: 'istio',
      workload: 'vm',
      bootstrap: 'workload',
      route: 'workload',
    };
    const done = new Set<StepCommand>();
    for (const next of ARTICLE) {
      for (const [command, needs] of Object.entries(earliest) as [StepCommand, StepCommand][]) {
        if (done.has(needs)) continue;
        const { report, writes } = await lab.step(command);
        expect({ command, done: [...done], reason: report.error?.reason, writes }).toEqual({
          command,
          done: [...done],
          reason: 'prerequisite-missing',
          writes: [],
        });
        expect(report.error?.facts.details?.join('\n')).toContain(`(run: istio-vms `);
      }
      const { report } = await lab.step(next);
      expect(report.error).toBeUndefined();
      done.add(next);
    }
  });

  it('reports for k3s that only its machines are missing, without further commands', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass delete --purge ${VM}`);
    const { report, writes } = await lab.step('bootstrap');
    expect(report.error?.reason).toBe('prerequisite-missing');
    expect(report.error?.facts.hint).toContain('istio-vms vm');
    expect(writes).toEqual([]);
  });
});

describe('deleting and recreating', () => {
  it('k3s --delete deletes machines and kubeconfig, and up creates them again', async () => {
    const lab = watch(await labThatIsUp());
    const gone = await lab.step('k3s', { kind: 'delete' });
    expect(gone.report.error).toBeUndefined();
    expect([...lab.world.engine.instances.keys()]).toEqual([VM]);
    expect(await lab.files.stat(lab.config.paths.kubeconfig)).toBeUndefined();

    const again = await lab.up();
    expect(again.report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('k3s --recreate gives another cluster, whose root certificate the VM gets by up', async () => {
    const lab = watch(await labThatIsUp());
    const before = lab.cluster.ca;
    const made = await lab.step('k3s', { kind: 'recreate' });
    expect(made.report.error).toBeUndefined();
    expect(lab.cluster.ca).not.toBe(before);

    const findings = Object.fromEntries((await lab.plan()).map(({ step, finding }) => [step.id, finding]));
    expect(findings['nodes']).toBe('ready');
    expect(findings['istio']).toEqual({ missing: 'no Deployment istio-system/istiod-1-19-3' });
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('vm --delete also deletes the workload files', async () => {
    const lab = watch(await labThatIsUp());
    const gone = await lab.step('vm', { kind: 'delete' });
    expect(gone.report.error).toBeUndefined();
    expect(lab.world.engine.instances.has(VM)).toBe(false);
    expect(await lab.files.stat(lab.config.paths.workloadFiles)).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
  });

  it('vm --recreate gives another machine; bootstrap is too early until workload has run', async () => {
    const lab = watch(await labThatIsUp());
    const before = lab.machine(VM).address;
    expect((await lab.step('vm', { kind: 'recreate' })).report.error).toBeUndefined();
    expect(lab.machine(VM).address).not.toBe(before);
    expect((await lab.step('bootstrap')).report.error?.reason).toBe('prerequisite-missing');
    for (const command of ['workload', 'bootstrap', 'route'] as const) {
      expect((await lab.step(command)).report.error).toBeUndefined();
    }
    expect((await lab.verify()).red).toEqual([]);
  });

  it('up --delete leaves nothing but what is shared or not ours; a second time there is nothing', async () => {
    const lab = watch(await labThatIsUp());
    const before = new Set(lab.files.nodes.keys());
    const gone = await lab.down();
    expect(gone.report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
    const left = [...lab.files.nodes.keys()].filter(
      (path) => path.startsWith(lab.world.host.cwd) && lab.files.nodes.get(path)?.kind !== 'directory',
    );
    // The record of machines stays, and is empty.
    expect(left.filter((path) => path !== lab.config.paths.machinesRecord)).toEqual([]);
    expect(before.size).toBeGreaterThan(0);

    const nothing = await lab.down();
    expect(nothing.report.error).toBeUndefined();
    expect(nothing.writes).toEqual([]);
    expect(nothing.changed).toEqual([]);
  });

  it('up --recreate deletes and creates the lab', async () => {
    const lab = watch(await labThatIsUp());
    const run = await lab.recreate();
    expect(run.report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
  });
});

describe('arm64-patch', () => {
  const PATHS = ['envoy', 'pilot-agent', 'envoy_bootstrap_tmpl.json'];

  it.each(['docker', 'podman'])('takes three files out of the image with %s, and leaves no container', async (tool) => {
    const lab = watch(simulated({ set: { CONTAINER_TOOL: tool } }));
    const { report, writes } = await lab.step('arm64-patch');
    expect(report.error).toBeUndefined();
    const directory = `${lab.config.paths.temp}/istio-proxy-1.19.3-arm64`;
    for (const name of PATHS) expect(await lab.files.stat(`${directory}/${name}`)).toMatchObject({ kind: 'file' });
    expect(lab.world.containers.size).toBe(0);
    expect(writes.every((line) => line.startsWith(`${tool} `))).toBe(true);
    expect(
      writes.some((line) =>
        line.includes('create --name istio-vms-lab-1.19.3 --platform linux/arm64 docker.io/istio/proxyv2:1.19.3'),
      ),
    ).toBe(true);
    expect((await lab.step('arm64-patch')).writes).toEqual([]);
  });

  it('requires no tool but the container tool', async () => {
    const lab = watch(simulated({ tools: ['docker'] }));
    expect((await lab.step('arm64-patch')).report.error).toBeUndefined();
  });
});

describe('what istioctl wrote', () => {
  it('--no-fix-ca leaves the CA address, and the next ordinary run puts it right', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    const left = await lab.step('workload', { options: { fixCa: false } });
    expect(left.report.error).toBeUndefined();
    const env = await lab.files.readText(`${lab.config.paths.workloadFiles}/cluster.env`);
    expect(env).toMatch(/CA_ADDR="istiod-1-19-3\.istio-system\.svc:15012/);
    expect((await lab.verify(['workload-files'])).red).toEqual(['workload-files']);
    expect((await lab.up()).changed).toContain('workload');
    expect((await lab.verify()).red).toEqual([]);
  });

  it('nothing is built upon a CA address of the inner port: bootstrap names it', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    await lab.step('workload', { options: { fixCa: false } });
    const { report, writes } = await lab.step('bootstrap');
    expect(report.error?.reason).toBe('prerequisite-missing');
    expect(report.error?.facts.details?.join('\n')).toContain('CA_ADDR is istiod-1-19-3.istio-system.svc:15012');
    expect(writes).toEqual([]);
  });

  it('where the port outside is the one inside, there is nothing to put right', async () => {
    const lab = watch(simulated({ set: { EWG_PORT_TLS_ISTIOD: '15012' } }));
    const options = { fixCa: false, fixPilot: false };
    expect((await lab.up({ options })).report.error).toBeUndefined();
    expect((await lab.verify()).red).toEqual([]);
    expect((await lab.up({ options })).changed).toEqual([]);
  });

  it('--no-fix-pilot leaves the address of istiod', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    expect((await lab.step('workload', { options: { fixPilot: false } })).report.error).toBeUndefined();
    expect(await lab.files.readText(`${lab.config.paths.workloadFiles}/mesh.yaml`)).toContain(':15012');
    expect((await lab.up()).changed).toContain('workload');
  });

  it('the five files, and the note on what they were made from, are 0600 in a directory of 0700', async () => {
    const lab = watch(await labThatIsUp());
    const at = lab.config.paths.workloadFiles;
    expect(await lab.files.list(at)).toEqual([
      'cluster.env',
      'hosts',
      'istio-token',
      'made-from',
      'mesh.yaml',
      'root-cert.pem',
    ]);
    expect((await lab.files.stat(at))?.mode).toBe(0o700);
    for (const name of await lab.files.list(at)) expect((await lab.files.stat(`${at}/${name}`))?.mode).toBe(0o600);
    expect((await lab.files.stat(lab.config.paths.kubeconfig))?.mode).toBe(0o600);
  });
});
