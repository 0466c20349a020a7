import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kinds } from '../../../src/kube/kinds.ts';
import { isKind, ofKind, parseObject, parseObjects } from '../../../src/kube/object.ts';

const RECORDINGS = 'test/recordings/kubectl-1.34.2';

/** What a real kubectl printed as JSON, by recording. */
async function recordedOutputs(): Promise<[file: string, stdout: string][]> {
  const files = (await readdir(RECORDINGS)).filter((file) => /^(?:lab-)?get-/.test(file));
  const outputs = await Promise.all(
    files.map(async (file): Promise<[string, string]> => {
      const { stdout } = JSON.parse(await readFile(join(RECORDINGS, file), 'utf8')) as { stdout: string };
      return [file, stdout];
    }),
  );
  return outputs.filter(([, stdout]) => stdout.trimStart().startsWith('{'));
}

/** Removes null fields, which are read as absent. */
const withoutNulls = (json: string): unknown =>
  JSON.parse(json, (_key, value: unknown) => (value === null ? undefined : value));

const deployment = (spec: unknown): unknown => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'istiod', namespace: 'istio-system' },
  spec,
});

describe('the schemas of Kubernetes kinds', () => {
  it('accept every object that a real kubectl printed, and keep its fields', async () => {
    const outputs = await recordedOutputs();
    expect(outputs.length).toBeGreaterThan(8);
    const parsedKinds = new Set<string>();
    for (const [file, stdout] of outputs) {
      const printed = withoutNulls(stdout) as { items?: unknown[] };
      const objects = parseObjects(stdout);
      expect(withoutNulls(JSON.stringify(objects)), file).toEqual(printed.items ?? [printed]);
      for (const { kind } of objects) parsedKinds.add(kind);
    }
    // The schemas of these kinds are the most detailed, so the recordings must contain them.
    expect([...parsedKinds]).toEqual(expect.arrayContaining(['Node', 'Lease', 'Pod', 'Deployment', 'ConfigMap']));
  });

  it.each(Object.keys(kinds))('accept a %s that has only metadata', (kind) => {
    const object = parseObject({ apiVersion: 'v1', kind, metadata: { name: 'a' } });
    expect(object.metadata).toEqual({ name: 'a' });
  });

  it('name the object and the invalid field', () => {
    expect(() => parseObject(deployment({ replicas: '1' }))).toThrow(
      'Deployment istio-system/istiod: spec.replicas: expected number, received string',
    );
    expect(() => parseObjects('{"kind": "List", "items": [{}]}')).toThrow('object: apiVersion: expected string');
    expect(() => parseObject({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: [] })).toThrow(
      'Node n: status: expected object, received array',
    );
  });

  it('treat null as an absent field, as Go does', () => {
    const object = parseObject(deployment({ replicas: null, selector: null }));
    expect(isKind(object, 'Deployment') && object.spec?.replicas).toBeUndefined();
  });

  it('leave kinds without a schema unchanged', () => {
    const gateway = { apiVersion: 'v1', kind: 'Gateway', metadata: { name: 'g' }, spec: { servers: 'any' } };
    expect(parseObject(gateway)).toEqual(gateway);
  });
});

describe('parseObjects', () => {
  it('accepts a list, one object or nothing', () => {
    expect(parseObjects('\n')).toEqual([]);
    expect(parseObjects(JSON.stringify(deployment({})))).toHaveLength(1);
    expect(parseObjects(JSON.stringify({ kind: 'List', items: [deployment({}), deployment({})] }))).toHaveLength(2);
  });
});

describe('ofKind', () => {
  const objects = [
    parseObject(deployment({ replicas: 2 })),
    parseObject({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'x' } }),
    parseObject({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'b', namespace: 'y' } }),
  ];

  it('returns the objects of a kind, in one namespace or all', () => {
    expect(ofKind(objects, 'Deployment').map(({ spec }) => spec?.replicas)).toEqual([2]);
    expect(ofKind(objects, 'Service')).toHaveLength(2);
    expect(ofKind(objects, 'Service', 'y').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(ofKind(objects, 'Gateway')).toEqual([]);
  });
});
