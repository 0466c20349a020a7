import { readFileSync } from 'node:fs';
import type { VersionTable } from '../../../src/config/config.ts';
import { loadConfig, type ConfigInput } from '../../../src/config/load.ts';
import { CliError } from '../../../src/errors/cli-error.ts';
import type { Host } from '../../../src/system/system.ts';

export const versions = JSON.parse(
  readFileSync(new URL('../../../data/versions.json', import.meta.url), 'utf8'),
) as VersionTable;

export function host(env: Record<string, string> = {}, more: Partial<Host> = {}): Host {
  return { platform: 'linux', cpu: 'amd64', cwd: '/home/ana/lab', home: '/home/ana', env, ...more };
}

export function load(input: Partial<ConfigInput> & { readonly text?: string } = {}) {
  const { text, ...rest } = input;
  const runEnv = text === undefined ? {} : { runEnv: { path: '/home/ana/lab/run.env', text } };
  return loadConfig({ host: host(), versions, ...runEnv, ...rest });
}

/** The configuration problems that are reported, one per line; empty for a valid configuration. */
export function problems(input: Parameters<typeof load>[0]): readonly string[] {
  try {
    load(input);
    return [];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.reason !== 'invalid-configuration') throw error;
    return error.facts.details ?? [];
  }
}
