import { describe, expect, it } from 'vitest';
import { ARTICLE_COMMANDS } from '../support/step-commands.ts';
import type { StepCommand } from '../../src/steps/lab-step.ts';
import { inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

describe('step commands', () => {
  it("create the lab in the article's order, and change nothing the second time", async () => {
    const run = await inOneWorld(watch(simulated()));
    for (const command of ARTICLE_COMMANDS) {
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
    // The checks create the sample application themselves.
    const verified = await run(['verify']);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain('13 of 13 checks passed');
  });

  it.each<[StepCommand, RegExp]>([
    ['istio', /istio-vms k3s/],
    ['eastwest', /istio-vms k3s && istio-vms istioctl && istio-vms istio/],
    ['workload', /istio-vms k3s.*istio-vms vm|istio-vms vm.*istio-vms k3s/],
    ['bootstrap', /istio-vms vm.*istio-vms workload/],
    ['route', /istio-vms vm.*istio-vms workload/],
  ])('fail for %s when prerequisites are missing, name their commands, and change nothing', async (command, hint) => {
    const run = await inOneWorld(watch(simulated()));
    const early = await run([command, '-o', 'json']);
    expect(early.code).toBe(2);
    expect(early.writes).toEqual([]);
    const { error } = JSON.parse(early.stdout);
    expect(error.reason).toBe('prerequisite-missing');
    expect(error.hint).toMatch(hint);
    expect(error.message).toContain('nothing was changed');
    expect(early.stderr).toContain('Reason: prerequisite-missing (exit code 2)');
  });

  it('report missing prerequisites at every stage of the article', async () => {
    const lab = watch(simulated());
    const earliest: Partial<Record<StepCommand, StepCommand>> = {
      istio: 'istioctl',
      eastwest: 'istio',
      workload: 'vm',
      bootstrap: 'workload',
      route: 'workload',
    };
    const done = new Set<StepCommand>();
    for (const next of ARTICLE_COMMANDS) {
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

  it('report for bootstrap only the missing machine, without the commands of later steps', async () => {
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
    const deleted = await lab.step('k3s', { kind: 'delete' });
    expect(deleted.report.error).toBeUndefined();
    expect([...lab.world.engine.instances.keys()]).toEqual([VM]);
    expect(await lab.files.stat(lab.config.paths.kubeconfig)).toBeUndefined();

    const again = await lab.up();
    expect(again.report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('k3s --recreate creates another cluster, and up installs its root certificate on the VM', async () => {
    const lab = watch(await labThatIsUp());
    const before = lab.cluster.ca;
    const recreated = await lab.step('k3s', { kind: 'recreate' });
    expect(recreated.report.error).toBeUndefined();
    expect(lab.cluster.ca).not.toBe(before);

    const findings = Object.fromEntries((await lab.plan()).map(({ step, finding }) => [step.id, finding]));
    expect(findings['nodes']).toBe('ready');
    expect(findings['istio']).toEqual({ missing: 'no Deployment istio-system/istiod-1-19-3' });
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('vm --delete also deletes the workload files', async () => {
    const lab = watch(await labThatIsUp());
    const deleted = await lab.step('vm', { kind: 'delete' });
    expect(deleted.report.error).toBeUndefined();
    expect(lab.world.engine.instances.has(VM)).toBe(false);
    expect(await lab.files.stat(lab.config.paths.workloadFiles)).toBeUndefined();
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('vm --recreate creates another machine, and bootstrap fails until workload has run', async () => {
    const lab = watch(await labThatIsUp());
    const before = lab.machine(VM).address;
    expect((await lab.step('vm', { kind: 'recreate' })).report.error).toBeUndefined();
    expect(lab.machine(VM).address).not.toBe(before);
    expect((await lab.step('bootstrap')).report.error?.reason).toBe('prerequisite-missing');
    for (const command of ['workload', 'bootstrap', 'route'] as const) {
      expect((await lab.step(command)).report.error).toBeUndefined();
    }
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('up --delete leaves no file of the lab, and deletes nothing the second time', async () => {
    const lab = watch(await labThatIsUp());
    const before = new Set(lab.files.nodes.keys());
    const deleted = await lab.down();
    expect(deleted.report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
    const left = [...lab.files.nodes.keys()].filter(
      (path) => path.startsWith(lab.world.host.cwd) && lab.files.nodes.get(path)?.kind !== 'directory',
    );
    // The empty record of machines is kept.
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
    expect((await lab.verify()).failed).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
  });
});

describe('arm64-patch', () => {
  const PATHS = ['envoy', 'pilot-agent', 'envoy_bootstrap_tmpl.json'];

  it.each(['docker', 'podman'])(
    'extracts three files from the image with %s, and leaves no container',
    async (tool) => {
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
    },
  );

  it('requires no tool but the container tool', async () => {
    const lab = watch(simulated({ tools: ['docker'] }));
    expect((await lab.step('arm64-patch')).report.error).toBeUndefined();
  });
});

describe('the workload files', () => {
  it('keep the CA address with --no-fix-ca, and the next run without it corrects the address', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    const unfixed = await lab.step('workload', { options: { fixCa: false } });
    expect(unfixed.report.error).toBeUndefined();
    const env = await lab.files.readText(`${lab.config.paths.workloadFiles}/cluster.env`);
    expect(env).toMatch(/CA_ADDR="istiod-1-19-3\.istio-system\.svc:15012/);
    expect((await lab.verify(['workload-files'])).failed).toEqual(['workload-files']);
    expect((await lab.up()).changed).toContain('workload');
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('prevent bootstrap when the CA address has the port inside the cluster', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    await lab.step('workload', { options: { fixCa: false } });
    const { report, writes } = await lab.step('bootstrap');
    expect(report.error?.reason).toBe('prerequisite-missing');
    expect(report.error?.facts.details?.join('\n')).toContain('CA_ADDR is istiod-1-19-3.istio-system.svc:15012');
    expect(writes).toEqual([]);
  });

  it('need no correction when the ports inside and outside the cluster are the same', async () => {
    const lab = watch(simulated({ set: { EWG_PORT_TLS_ISTIOD: '15012' } }));
    const options = { fixCa: false, fixPilot: false };
    expect((await lab.up({ options })).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
    expect((await lab.up({ options })).changed).toEqual([]);
  });

  it('keep the address of istiod with --no-fix-pilot', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.remove(lab.config.paths.workloadFiles);
    expect((await lab.step('workload', { options: { fixPilot: false } })).report.error).toBeUndefined();
    expect(await lab.files.readText(`${lab.config.paths.workloadFiles}/mesh.yaml`)).toContain(':15012');
    expect((await lab.up()).changed).toContain('workload');
  });

  it('and the file with their inputs have mode 0600 in a directory with mode 0700', async () => {
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
