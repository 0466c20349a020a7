import { readFile } from 'node:fs/promises';
import semver from 'semver';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly engines?: { readonly node?: string } }>
  >;
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

describe('package.json', () => {
  it('has the same version as the program', async () => {
    expect((await readJson<Manifest>('package.json')).version).toBe(VERSION);
  });

  it('supports no Node version that a shipped dependency refuses', async () => {
    const { engines } = await readJson<Manifest>('package.json');
    const { packages } = await readJson<Lock>('package-lock.json');
    const floor = semver.minVersion(engines.node)!.version;
    const refused = Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .filter(([, { engines: required }]) => required?.node !== undefined)
      .filter(([, { engines: required }]) =>
        [floor, '20.20.2', '22.12.0', '24.0.0'].some((node) => !semver.satisfies(node, required!.node!)),
      )
      .map(([path, { engines: required }]) => `${path}: ${required!.node!}`);
    expect(refused).toEqual([]);
  });
});
