import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { loggedCommands, loggedWrites } from '../acceptance/support/run-log.ts';
import type { Computer, Run } from './computer.ts';

/** Commands with effect `write` in the log of a run. */
export const writesOf = ({ log }: Run): readonly string[] => loggedWrites(log);

/** The number of commands in the log of a run. */
export const commandsOf = ({ log }: Run): number => loggedCommands(log).length;

/** Expects exit code 0 and a stderr without `error` or `fail`. */
export function expectSuccess({ exitCode, stderr }: Run): void {
  // The last lines say why a run failed; Vitest may truncate a longer message.
  const end = stderr.trimEnd().split('\n').slice(-12).join('\n');
  expect(exitCode, end).toBe(0);
  expect(stderr).not.toMatch(/error|fail/i);
}

/** The same after an interrupted run: a launch may fail when the daemon still works on the interrupted one. */
export function expectRecovery(run: Run): void {
  const expectedFailure = /launch reported a failure, but the machine is \w+; waiting for it/g;
  expectSuccess({ ...run, stderr: run.stderr.replaceAll(expectedFailure, '') });
}

/** The JSON document on stdout; the type of `data` depends on the command. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function documentOf(run: Run): { version: number; command: string; outcome: string; data: any; error?: any } {
  const document = JSON.parse(run.stdout);
  expect(document).toMatchObject({ version: 2, tool: 'istio-vms' });
  return document;
}

const GUEST_SECRETS = [
  '/etc/rancher/k3s/agent-token',
  '/var/lib/rancher/k3s/server/agent-token',
  '/etc/rancher/node/password',
  '/var/lib/istio-vms/istio-token',
  '/etc/certs/key.pem',
];

/** Every token and key in the simulated world and on the computer. */
export async function secretsOf({ world, cwd }: Computer): Promise<string[]> {
  const guests = [...world.engine.instances.values()].flatMap(({ files }) =>
    GUEST_SECRETS.flatMap((path) => files.get(path)?.content ?? []),
  );
  const kubeconfig = parse(await textOf(join(cwd, '.data', '.kubeconfig'))) as {
    users?: { user?: Record<string, string> }[];
  } | null;
  const key = kubeconfig?.users?.[0]?.user?.['client-key-data'] ?? '';
  const token = await textOf(join(cwd, '.data', 'workload-files', 'istio-token'));
  return [
    ...guests.map((content) => Buffer.from(content as Uint8Array).toString('utf8')),
    key,
    token,
    world.cluster?.agentToken ?? '',
  ]
    .flatMap((secret) => secret.trim().split('\n'))
    .filter((line) => line.length >= 16 && !line.startsWith('-----'));
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** The arguments, outputs and logs that contain a secret. */
export async function leaksOf(computer: Computer, secrets: readonly string[], runs: readonly Run[]): Promise<string[]> {
  const logs = join(computer.cwd, '.tmp', 'logs');
  const places: [string, string][] = [
    ...computer.calls.map(({ tool, args }): [string, string] => [`arguments of ${tool}`, args.join(' ')]),
    ...runs.flatMap(({ stdout, stderr }): [string, string][] => [
      ['stdout', stdout],
      ['stderr', stderr],
    ]),
  ];
  for (const name of await readdir(logs)) places.push([`log ${name}`, await readFile(join(logs, name), 'utf8')]);
  return places.filter(([, text]) => secrets.some((secret) => text.includes(secret))).map(([place]) => place);
}
