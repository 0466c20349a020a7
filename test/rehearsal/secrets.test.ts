import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { guestText } from '../../src/rehearsal/guest/files.ts';
import { inOneWorld } from './support/cli.ts';
import { refusals, simulated, type Simulated } from './support/simulated.ts';

const { watch } = refusals();

/** All secrets of the lab by name. */
async function secretsOf(lab: Simulated): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const server = lab.machine('k3s-master');
  const secure = guestText(server, '/var/lib/rancher/k3s/server/agent-token')!.trim();
  found.set('agent token', secure);
  found.set('join password', guestText(server, '/etc/rancher/k3s/agent-token')!.trim());
  const kubeconfig = parse((await lab.files.readText(lab.config.paths.kubeconfig))!) as {
    users: { user: Record<string, string> }[];
  };
  for (const [name, value] of Object.entries(kubeconfig.users[0]!.user)) found.set(name, value);
  found.set('workload token', (await lab.files.readText(`${lab.config.paths.workloadFiles}/istio-token`))!.trim());
  return found;
}

function expectNone(text: string, secrets: ReadonlyMap<string, string>, where: string): void {
  for (const [what, secret] of secrets) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      encodeURIComponent(secret),
    ]) {
      if (text.includes(form)) throw new Error(`the ${what} is in ${where}`);
    }
  }
}

describe('secrets', () => {
  it('exist and are long enough to search for', async () => {
    const lab = watch(simulated());
    await lab.up();
    const secrets = await secretsOf(lab);
    expect([...secrets.keys()]).toEqual(
      expect.arrayContaining(['agent token', 'join password', 'client-key-data', 'workload token']),
    );
    for (const secret of secrets.values()) expect(secret.length).toBeGreaterThanOrEqual(16);
  });

  it('are not in the arguments, environment or log of any run', async () => {
    const lab = watch(simulated());
    const runs = [
      await lab.up(),
      await lab.up(),
      await lab.step('workload', { options: { fixCa: false } }),
      await lab.up(),
      await lab.step('vm', { kind: 'recreate' }),
      await lab.up(),
    ];
    const secrets = await secretsOf(lab);
    await lab.verify([], { strict: true, networkPolicy: true });
    for (const { command } of lab.transcript) {
      expectNone(
        [command.file, ...command.args, JSON.stringify(command.env ?? {})].join(' '),
        secrets,
        `the arguments of ${command.file}`,
      );
    }
    for (const { log, messages } of runs) {
      expect(log.length).toBeGreaterThan(100);
      expectNone(log, secrets, 'a log');
      expectNone(messages.join('\n'), secrets, 'the progress messages');
    }
  });

  it('are not in the output of any command', async () => {
    const lab = watch(simulated());
    const run = await inOneWorld(lab);
    await run(['up']);
    const report = `the report of up\n${(await lab.files.readText(`${lab.config.paths.temp}/report.html`))!}`;
    const commands = [
      ['up', '-o', 'json'],
      ['up', '--verbose'],
      ['verify', '-o', 'json'],
      ['status'],
      ['status', '-o', 'json'],
      ['plan'],
      ['plan', '-o', 'json'],
      ['plan', '--commands'],
      ['plan', '--commands', '-o', 'json'],
      ['env'],
      ['env', '-o', 'json'],
      ['workload', '-o', 'json'],
      ['bootstrap', '--verbose'],
      ['k3s', '-o', 'json'],
    ];
    const printed = [report];
    for (const argv of commands) {
      const { code, stdout, stderr } = await run(argv);
      expect({ argv, code }).toEqual({ argv, code: 0 });
      printed.push(`${argv.join(' ')}\n${stdout}\n${stderr}`);
    }
    const secrets = await secretsOf(lab);
    for (const text of printed) expectNone(text, secrets, `the output of ${text.split('\n')[0] ?? ''}`);
    for (const [path, node] of lab.files.nodes) {
      if (!path.startsWith(lab.config.paths.logs) || node.kind !== 'file') continue;
      expectNone(Buffer.from(node.content).toString('utf8'), secrets, path);
    }
  });

  it('are not logged by a run that repeats a command that printed them', async () => {
    const lab = watch(simulated({ faults: ['computer-slept'] }));
    const { report, log } = await lab.up();
    expect(report.error).toBeUndefined();
    expectNone(log, await secretsOf(lab), 'the log');
  });
});
