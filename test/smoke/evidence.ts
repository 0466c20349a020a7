import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { Computer, Run } from './computer.ts';

/** Commands with effect `write` in the log of a run. */
export function writesOf({ log }: Run): string[] {
  return [...log.matchAll(/ #\d+ write \$ (.*)$/gm)].map(([, command]) => command ?? '');
}

/** How many commands the log of a run tells of. */
export function commandsOf({ log }: Run): number {
  return [...log.matchAll(/ #\d+ (read|write) \$ /g)].length;
}

/** A run that did what it should: 0, and a story without a word of failure. */
export function expectSuccess(run: Run): void {
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  expect(run.stderr).not.toMatch(/error|fail/i);
}

/** The one JSON document on stdout. */
export function documentOf(run: Run): { version: number; command: string; outcome: string; data: any; error?: any } {
  const document = JSON.parse(run.stdout);
  expect(document).toMatchObject({ version: 1, tool: 'istio-vms' });
  return document;
}

const GUEST_SECRETS = [
  '/etc/rancher/k3s/agent-token',
  '/var/lib/rancher/k3s/server/agent-token',
  '/etc/rancher/node/password',
  '/var/lib/istio-vms/istio-token',
  '/var/run/secrets/tokens/istio-token',
  '/etc/certs/key.pem',
];

/** Every token and key that there is in the world and on the computer. */
export async function secretsOf({ world, cwd }: Computer): Promise<string[]> {
  const onGuests = [...world.engine.instances.values()].flatMap(({ files }) =>
    GUEST_SECRETS.flatMap((path) => files.get(path)?.content ?? []).map((content) => Buffer.from(content as Uint8Array).toString('utf8')),
  );
  const inCluster = world.cluster?.list('secrets').flatMap((secret) => Object.values((secret['data'] ?? secret['stringData'] ?? {}) as Record<string, string>));
  const kubeconfig = parse(await readFile(join(cwd, '.data', 'kubeconfig'), 'utf8').catch(() => '')) as { users?: { user?: Record<string, string> }[] } | null;
  const keys = Object.values(kubeconfig?.users?.[0]?.user ?? {});
  const token = await readFile(join(cwd, '.data', 'workload-files', 'istio-token'), 'utf8').catch(() => '');
  return [...onGuests, ...(inCluster ?? []), ...keys, token, world.cluster?.agentToken ?? '']
    .flatMap((secret) => secret.trim().split('\n'))
    .filter((secret) => secret.length >= 16);
}

/** Where a secret was seen that should not have been: arguments, output, logs. */
export async function leaksOf(computer: Computer, secrets: readonly string[], runs: readonly Run[]): Promise<string[]> {
  const logs = join(computer.cwd, '.tmp', 'logs');
  const places: [string, string][] = [
    ...computer.calls.map(({ tool, args }): [string, string] => [`arguments of ${tool}`, args.join(' ')]),
    ...runs.flatMap(({ stdout, stderr }): [string, string][] => [['stdout', stdout], ['stderr', stderr]]),
  ];
  for (const name of await readdir(logs)) places.push([`log ${name}`, await readFile(join(logs, name), 'utf8')]);
  return places.filter(([, text]) => secrets.some((secret) => text.includes(secret))).map(([place]) => place);
}
