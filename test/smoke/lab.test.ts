import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createComputer, type Computer, type Run } from './computer.ts';
import { commandsOf, documentOf, expectSuccess, leaksOf, secretsOf, writesOf } from './evidence.ts';
import { shell } from './shell.ts';
import { filesIn, objectNames, snapshotOf } from './snapshot.ts';

const FOREIGN = [
  { name: 'primary', state: 'Running' },
  { name: 'old-experiment', state: 'Deleted' },
] as const;
const OURS = ['k3s-master', 'k3s-worker-1', 'k3s-worker-2', 'vm-istio-external-workload'];

// One lab from creation to deletion. The tests depend on each other and run in this order.
describe('a lab', () => {
  let computer: Computer;
  const runs: Run[] = [];
  const secrets = new Set<string>();

  /** Runs the CLI and keeps its output and all secrets of that time for the last test. */
  const run = async (...args: readonly string[]): Promise<Run> => {
    const ended = await computer.run(...args);
    runs.push(ended);
    for (const secret of await secretsOf(computer)) secrets.add(secret);
    return ended;
  };
  const machines = (): string[] => [...computer.world.engine.instances.keys()].sort();
  const foreign = (): unknown => {
    const all = (snapshotOf(computer.world) as { instances: { name: string }[] }).instances;
    return all.filter(({ name }) => !OURS.includes(name));
  };
  let foreignBefore: unknown;

  beforeAll(async () => {
    computer = await createComputer(FOREIGN);
    foreignBefore = foreign();
  });
  afterAll(() => computer.remove());

  it('is created from nothing by up', async () => {
    const up = await run('up');
    expectSuccess(up);
    expect(up.stdout).toMatch(/13 of 13 checks passed/);
    expect(up.stdout).toMatch(/\d+ steps applied/);
    expect(machines()).toEqual([...OURS, ...FOREIGN.map(({ name }) => name)].sort());
    expect(objectNames(computer.world)).toEqual(
      expect.arrayContaining(['workloadgroups.networking.istio.io vmns/external-app', 'services vmns/external-app']),
    );
    expect(writesOf(up).length).toBeGreaterThan(10);
  });

  it('has a run report after up, whose path is printed last', async () => {
    const path = join(computer.cwd, '.tmp', 'report.html');
    expect(runs[0]!.stderr.trimEnd().split('\n').at(-1)).toBe(`Report: ${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const page = await readFile(path, 'utf8');
    expect(page).toContain('The lab is up and verified');
    const repeated = [...page.matchAll(/asked (\d+) times/g)].reduce((sum, [, times]) => sum + Number(times) - 1, 0);
    expect((page.match(/<pre class="command">/g)?.length ?? 0) + repeated).toBe(commandsOf(runs[0]!));
    for (const secret of secrets) expect(page).not.toContain(secret);
  });

  it('is left unchanged by a second up, which says so', async () => {
    const [world, files] = [snapshotOf(computer.world), await filesIn(computer.cwd)];
    const again = await run('up');
    expectSuccess(again);
    expect(again.stdout).toContain('nothing changed');
    expect(commandsOf(again)).toBeGreaterThan(5);
    expect(writesOf(again)).toEqual([]);
    expect(snapshotOf(computer.world)).toEqual(world);
    expect(await filesIn(computer.cwd)).toEqual(files);
  });

  it('passes all checks of verify', async () => {
    const verify = await run('verify');
    expectSuccess(verify);
    expect(verify.stdout).toMatch(/13 of 13 checks passed/);
    expect(verify.stdout).not.toContain('FAIL');
  });

  it('runs only the named checks of verify', async () => {
    const verify = await run('verify', 'dns', 'vm-to-mesh');
    expectSuccess(verify);
    expect(verify.stdout).toMatch(/2 of 2 checks passed/);
    expect(writesOf(verify)).toEqual([]);
  });

  it('is left as it was by verify --strict --network-policy', async () => {
    const [names, files] = [objectNames(computer.world), await filesIn(computer.cwd)];
    const verify = await run('verify', '--strict', '--network-policy', '--output', 'json');
    expectSuccess(verify);
    const { data } = documentOf(verify);
    expect(data.checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['strict', 'network-policy']),
    );
    expect(objectNames(computer.world)).toEqual(names);
    expect(await filesIn(computer.cwd)).toEqual(files);
  });

  it('is not changed by status, plan and env', async () => {
    const [world, files] = [snapshotOf(computer.world), await filesIn(computer.cwd)];
    const [status, plan, env] = [await run('status'), await run('plan'), await run('env')];
    for (const readOnly of [status, plan, env]) {
      expectSuccess(readOnly);
      expect(writesOf(readOnly)).toEqual([]);
    }
    expect(status.stdout).toContain('vm-istio-external-workload');
    expect(status.stdout).not.toContain('✖');
    expect(plan.stdout).toContain('Nothing would change.');
    expect(snapshotOf(computer.world)).toEqual(world);
    expect(await filesIn(computer.cwd)).toEqual(files);
  });

  it('is usable with kubectl and istioctl in a shell that evaluates the exports of env', async () => {
    const program = `eval "$("$0" "$1" env 2>/dev/null)"; eval "$("$0" "$1" env 2>/dev/null)"; printf '%s\\n' "$ISTIO_REVISION" "$KUBECONFIG" "$PATH"`;
    const { stdout, stderr, exitCode } = await shell(computer, program);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const [revision, kubeconfig, path] = stdout.split('\n');
    expect(revision).toBe('1-19-3');
    expect(kubeconfig).toBe(join(computer.cwd, '.data', '.kubeconfig'));
    // The exports are evaluated twice, and PATH has the directory once.
    expect(path?.split(':').filter((entry) => entry === join(computer.cwd, '.bin'))).toHaveLength(1);
  });

  it.each([
    ...['verify', 'status', 'plan', 'plan --commands', 'plan --graph', 'env', 'up --skip-verify'],
    ...['k3s', 'istioctl', 'istio', 'eastwest', 'vm', 'workload', 'bootstrap', 'route'],
  ])('has one JSON document on stdout for %s --output json', async (command) => {
    const args = command.split(' ');
    const ended = await run(...args, '--output', 'json');
    expectSuccess(ended);
    expect(documentOf(ended)).toMatchObject({ command: args[0], outcome: 'ok' });
    if (args[0] === 'verify') expect(documentOf(ended).data.checks.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
    if (!['verify'].includes(args[0] ?? '')) expect(writesOf(ended)).toEqual([]);
  });

  it('has secrets that only their owner can read', async () => {
    const mode = async (path: string): Promise<string> =>
      ((await stat(join(computer.cwd, path))).mode & 0o777).toString(8);
    expect(await mode('.data/.kubeconfig')).toBe('600');
    expect(await mode('.data/workload-files')).toBe('700');
    for (const file of ['cluster.env', 'mesh.yaml', 'root-cert.pem', 'istio-token', 'hosts']) {
      expect(await mode(`.data/workload-files/${file}`), file).toBe('600');
    }
    const files = await filesIn(computer.cwd);
    expect(Object.keys(files).filter((path) => path.includes('.tmp/') && path.includes('token'))).toEqual([]);
    expect(await mode('.tmp/logs')).toBe('700');
  });

  it('is repaired by up after it drifted', async () => {
    const files = computer.world.engine.instances.get('vm-istio-external-workload')?.files;
    const hosts = files?.get('/var/lib/istio-vms/hosts')?.content;
    files?.delete('/var/lib/istio-vms/hosts');
    const up = await run('up');
    expectSuccess(up);
    expect(up.stdout).toMatch(/13 of 13 checks passed/);
    expect(hosts).toBeDefined();
    expect(files?.get('/var/lib/istio-vms/hosts')?.content).toEqual(hosts);
  });

  it('gets another machine from vm --recreate, which up adds to the mesh', async () => {
    const before = computer.world.engine.instances.get('vm-istio-external-workload');
    const recreate = await run('vm', '--recreate');
    expectSuccess(recreate);
    const after = computer.world.engine.instances.get('vm-istio-external-workload');
    expect(after?.bootId).not.toBe(before?.bootId);
    expect(Object.keys(await filesIn(computer.cwd)).filter((path) => path.includes('workload-files'))).toEqual([]);

    const up = await run('up');
    expectSuccess(up);
    expect(up.stdout).toMatch(/13 of 13 checks passed/);
    expect(writesOf(up).filter((command) => command.includes('multipass launch'))).toEqual([]);
  });

  it('is created again as a whole by up --recreate', async () => {
    const ca = computer.world.cluster?.ca;
    const up = await run('up', '--recreate');
    expectSuccess(up);
    expect(up.stdout).toMatch(/13 of 13 checks passed/);
    expect(computer.world.cluster?.ca).not.toBe(ca);
    expect(machines()).toEqual([...OURS, ...FOREIGN.map(({ name }) => name)].sort());
  });

  it('is deleted by up --delete, and nothing else is', async () => {
    const down = await run('up', '--delete');
    expectSuccess(down);
    expect(machines()).toEqual(FOREIGN.map(({ name }) => name).sort());
    expect(foreign()).toEqual(foreignBefore);
    const left = Object.keys(await filesIn(computer.cwd));
    expect(left.filter((path) => /kubeconfig|workload-files|istioctl/.test(path))).toEqual([]);

    const again = await run('up', '--delete');
    expectSuccess(again);
    expect(again.stdout).toContain('Nothing to delete.');
    expect(writesOf(again)).toEqual([]);
  });

  it('never needed a command that a tool rejects, and purged no foreign machine', () => {
    expect(computer.world.refused).toEqual([]);
    const multipass = computer.calls.filter(({ tool }) => tool === 'multipass').map(({ args }) => args);
    expect(multipass.filter(([verb]) => verb === 'purge' || verb === 'recover')).toEqual([]);
    expect(multipass.filter((args) => FOREIGN.some(({ name }) => args.includes(name)))).toEqual([]);
  });

  it('never showed a token or key in arguments, output or logs', async () => {
    expect(secrets.size).toBeGreaterThan(10);
    expect(await leaksOf(computer, [...secrets], runs)).toEqual([]);
  });
});
