import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createFixture } from 'fs-fixture';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/verify/checks.ts';
import { cli, cliJson } from '../../rehearsal/support/cli.ts';

/** Runs a text in a shell, without the environment variables of this process. */
function shell(
  text: string,
  env: Record<string, string> = {},
): { stdout: string; stderr: string; status: number | null } {
  return spawnSync('/bin/sh', ['-eu'], { input: text, encoding: 'utf8', env: { PATH: '/usr/bin:/bin', ...env } });
}

describe('--config', () => {
  it('is read from an absolute or relative path, and errors name the file', async () => {
    const fixture = await createFixture({ 'labs/two.env': 'WORKERS=3\n', 'bad.env': '\nWORKERS=x\n' });
    const workers = async (config: string): Promise<unknown> =>
      (await cliJson(['env', '--config', config], { cwd: fixture.getPath('labs') })).json.data.variables.WORKERS;
    expect(await workers(fixture.getPath('labs/two.env'))).toBe('3');
    expect(await workers('two.env')).toBe('3');
    const bad = await cli(['env', '-c', '../bad.env'], { cwd: fixture.getPath('labs') });
    expect(bad.code).toBe(3);
    expect(bad.stderr).toContain('WORKERS: "x" (bad.env line 2)');
    await fixture.rm();
  });

  it('is an error with the full path when the file does not exist', async () => {
    const { code, stderr } = await cli(['env', '-c', '/no/such.env'], { cwd: '/home/u/lab' });
    expect(code).toBe(3);
    expect(stderr).toContain('There is no configuration file /no/such.env.');
  });
});

describe('env', () => {
  it('can be evaluated by a shell and sets the variables of the article', async () => {
    const { code, stdout } = await cli(['env', '--set', 'WORKERS=3'], { cwd: '/home/u/lab' });
    expect(code).toBe(0);
    const { stdout: output, stderr } = shell(
      `${stdout}\nprintf '%s\\n' "$WORKERS" "$ISTIO_REVISION" "$KUBECONFIG" "$PATH"`,
    );
    expect(stderr).toBe('');
    expect(output.split('\n').slice(0, 4)).toEqual([
      '3',
      '1-19-3',
      '/home/u/lab/.data/.kubeconfig',
      '/home/u/lab/.bin:/usr/bin:/bin',
    ]);
  });

  it('adds the directory to PATH once, however often it is evaluated', async () => {
    const { stdout } = await cli(['env'], { cwd: '/home/u/lab' });
    expect(shell(`${stdout}\n${stdout}\nprintf '%s' "$PATH"`).stdout).toBe('/home/u/lab/.bin:/usr/bin:/bin');
  });

  it('quotes what a shell would expand', async () => {
    const cwd = "/home/u/it's my $(lab) & `more`";
    const { code, stdout } = await cli(['env'], { cwd });
    expect(code).toBe(0);
    expect(shell(`${stdout}\nprintf '%s\\n' "$DATA_DIR" "\${PATH%%:*}"`).stdout).toBe(`${cwd}/.data\n${cwd}/.bin\n`);
  });

  it('reports the origin of each value as JSON', async () => {
    const { json } = await cliJson(['env', '--set', 'WORKERS=3'], { env: { VM_APP: 'shop' } });
    expect(json).toMatchObject({ version: 2, command: 'env', outcome: 'ok' });
    expect(json.data.variables).toMatchObject({ WORKERS: '3', VM_APP: 'shop' });
    expect(json.data.origins).toMatchObject({ WORKERS: 'flag', VM_APP: 'environment', RUN_OS: 'default' });
  });
});

describe('plan', () => {
  it('would create everything when there is no lab', async () => {
    const { code, stdout } = await cli(['plan', '--rehearse', '-q']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/create\s+master\s+no machine k3s-master/);
    expect(stdout).toMatch(/`istio-vms up` would change \d+ steps of \d+\./);
  });

  it('would change nothing when the lab is up', async () => {
    const { json } = await cliJson(['plan', '--rehearse', '--from', 'lab']);
    expect(json.data.changes).toBe(0);
    expect(json.data.steps.every(({ finding }: { finding: unknown }) => finding === 'ready')).toBe(true);
  });

  it('prints Mermaid with every dependency as an arrow with --graph', async () => {
    const { stdout } = await cli(['plan', '--graph', '--rehearse', '-q']);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe('flowchart LR');
    const nodes = lines.flatMap((line) => /^ {2}(step_\w+)\[".+"\]$/.exec(line)?.[1] ?? []);
    const arrows = lines.flatMap((line) =>
      /^ {2}(step_\w+) --> (step_\w+)$/.exec(line) ? [line.trim().split(' --> ')] : [],
    );
    expect(nodes.length + arrows.length + 1).toBe(lines.length);
    for (const end of arrows.flat()) expect(nodes).toContain(end);
    expect(arrows).toContainEqual(['step_workload', 'step_sidecar']);
  });

  it('prints commands that a shell parses into the exact arguments with --commands', async () => {
    const cwd = '/home/u/lab';
    const options = { cwd };
    const text = await cli(['plan', '--commands', '--rehearse', '-q'], options);
    const { json } = await cliJson(['plan', '--commands', '--rehearse'], options);
    expect({ text: text.code, commands: json.data.commands.length > 40 }).toEqual({ text: 0, commands: true });

    const tools = ['multipass', 'kubectl', 'istioctl_', 'mkdir', 'tee', 'curl', 'chmod', 'ln', 'mv', 'rm', 'tar'];
    const listing = text.stdout.replaceAll(/^\S*\/istioctl-[\d.]+ /gm, 'istioctl_ ');
    // Each tool is a shell function that prints its name and arguments as separate records.
    const recorders = tools.map(
      (tool) => `${tool}() { printf '%s\\036' ${tool} "$@"; printf '\\035'; cat >/dev/null; }`,
    );
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-eu', '-c', `${recorders.join('\n')}\n${listing}`], {
      encoding: 'utf8',
      input: '',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const executed = stdout
      .split('\u001d')
      .filter((record) => record !== '')
      .map((record) => record.split('\u001e').slice(0, -1));
    const expected = (json.data.commands as { argv: string[] }[]).map(({ argv }) => [
      argv[0]!.replace(/.*\/istioctl-[\d.]+$/, 'istioctl_'),
      // `$(cat …)` drops the final newline of a script, which makes no difference to the shell.
      ...argv.slice(1).map((word) => word.replace(/\n+$/, '')),
    ]);
    expect(executed).toEqual(expected);
  });

  it('refers with --commands only to files that ship with the program or come from an earlier command', async () => {
    const cwd = '/home/u/lab';
    const { json } = await cliJson(['plan', '--commands', '--rehearse'], { cwd });
    const { stdout } = await cli(['plan', '--commands', '--rehearse', '-q'], { cwd });
    const created = new Set<string>();
    for (const { argv } of json.data.commands as { argv: string[] }[]) {
      const [file = '', ...args] = argv;
      const outputs =
        {
          mkdir: args.slice(-1),
          tee: args,
          mv: args.slice(1),
          ln: args.slice(-1),
          curl: args.slice(args.indexOf('--output') + 1, args.indexOf('--output') + 2),
          tar: [`${args[3] ?? ''}/${args[4] ?? ''}`],
        }[file] ?? args.slice(args.indexOf('--output') + 1).slice(0, args.includes('--output') ? 1 : 0);
      outputs.forEach((path) => created.add(path));
      const local = argv.filter((word) => /^\/home\/u\/[^:]*$/.test(word));
      for (const path of local) expect([path, created.has(path)]).toEqual([path, true]);
    }
    expect(created).toContain(`${cwd}/.tmp/manifests/control-plane.yaml`);
    expect(created).toContain(`${cwd}/.tmp/manifests/workload-group.yaml`);
    expect(stdout).toMatch(/^tee \S+\/manifests\/control-plane\.yaml <<'EOF'\n#.*\napiVersion: install\.istio\.io/m);
    const shipped = [...stdout.matchAll(/\$\(cat (\S+?)\)/g)].map(([, path = '']) => path);
    expect(shipped.length).toBeGreaterThan(0);
    for (const path of shipped) expect([path, existsSync(path)]).toEqual([path, true]);
    // Keys and tokens are not shown.
    expect(stdout).toMatch(/^tee \S+\.kubeconfig {2}# reads a payload of \d+ bytes/m);
    expect(stdout).not.toContain('client-key-data');
  });

  it('marks each command as read or write with --commands', async () => {
    const { json } = await cliJson(['plan', '--commands', '--rehearse']);
    const effects = new Set((json.data.commands as { effect: string }[]).map(({ effect }) => effect));
    expect(effects).toEqual(new Set(['read', 'write']));
  });
});

describe('status', () => {
  it('reports everything as ok when the lab is up', async () => {
    const { json } = await cliJson(['status', '--rehearse']);
    expect(json.outcome).toBe('ok');
    const rows = (json.data.sections as { title: string; rows: { what: string; ok?: boolean }[] }[]).flatMap(
      ({ rows: of }) => of,
    );
    expect(rows.length).toBeGreaterThanOrEqual(14);
    expect(rows.filter(({ ok }) => ok !== true)).toEqual([]);
  });

  it('reports a missing lab without an error, and only reads', async () => {
    const { code, json } = await cliJson(['status', '--rehearse', '--from', 'nothing']);
    expect(code).toBe(0);
    expect(json.data.rehearsal.writes).toBe(0);
    const rows = (json.data.sections as { rows: { what: string; ok?: boolean; state: string }[] }[]).flatMap(
      ({ rows: of }) => of,
    );
    expect(rows.some(({ ok }) => ok === true)).toBe(false);
    expect(rows.find(({ what }) => what === 'k3s-master')?.state).toBe('not there');
  });

  it('fits a terminal of 80 columns', async () => {
    const { stdout } = await cli(['status', '--rehearse'], { columns: 80 });
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('verify', () => {
  it('lists every check with --list', async () => {
    const { stdout } = await cli(['verify', '--list', '--rehearse', '-q']);
    for (const { name } of CHECKS) expect(stdout).toContain(name);
  });

  it('rejects unknown names and lists all checks', async () => {
    const run = await cli(['verify', 'dns', 'nonsense', '--rehearse']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('There is no check named nonsense.');
    for (const { name } of CHECKS) expect(run.stderr).toContain(name);
  });

  it('exits with 7 when there is no lab, as a table and as JSON', async () => {
    const run = await cliJson(['verify', '--rehearse', '--from', 'nothing']);
    expect(run.code).toBe(7);
    expect(run.json).toMatchObject({ outcome: 'error', error: { reason: 'verify-failed' }, data: { ok: false } });
    expect(run.json.data.checks.length).toBe(13);
    const text = await cli(['verify', '--rehearse', '--from', 'nothing']);
    expect(text.stdout).toContain('0 of 13 checks passed');
    expect(text.stderr).toContain('Reason: verify-failed (exit code 7)');
  });

  it('runs only the requested checks', async () => {
    const { json } = await cliJson(['verify', 'dns', 'nodes', '--rehearse']);
    expect(json.data.checks.map(({ name }: { name: string }) => name)).toEqual(['nodes', 'dns']);
  });
});
