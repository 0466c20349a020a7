import { describe, expect, it } from 'vitest';
import { PLAIN_CLIENT, PLAIN_NAMESPACE, strictObject } from '../../../src/kube/manifests/policies.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { strict } from '../../../src/verify/strict.ts';
import { config, deployment, object, verdictOf } from './fake-lab.ts';

const { name: NAME, namespace: NAMESPACE } = strictObject(config).metadata;
const SERVED = 'Hello\n200';
const REFUSED = '\n000';

interface Responses {
  readonly before?: string;
  readonly after?: string;
  readonly mesh?: string;
  /** Whether the user has a PeerAuthentication with the name that the check uses. */
  readonly foreign?: boolean;
}

/** Runs the check against a lab with these responses; returns its verdict and its writes. */
async function strictWith({ before = SERVED, after = REFUSED, mesh = SERVED, foreign = false }: Responses = {}) {
  const writes: string[] = [];
  let isStrict = false;
  const kubectl = {
    get: async (kind: string | readonly string[]) => {
      if (kind !== 'peerauthentications.security.istio.io') return deployment(PLAIN_CLIENT, PLAIN_NAMESPACE);
      return foreign ? [object('PeerAuthentication', NAME, NAMESPACE)] : [];
    },
    apply: async (manifests: readonly { readonly kind: string }[]) => {
      const kinds = manifests.map(({ kind }) => kind);
      isStrict ||= kinds.includes('PeerAuthentication');
      writes.push(`apply ${kinds.join()}`);
    },
    remove: async (kind: string, name: string) => void writes.push(`remove ${kind}/${name}`),
    exec: async ({ namespace }: { readonly namespace: string }) => ({
      stdout: namespace !== PLAIN_NAMESPACE ? mesh : isStrict ? after : before,
    }),
  } as unknown as Partial<Lab['kubectl']>;
  return { verdict: await verdictOf(strict, { kubectl }), writes };
}

const CLEANUP = [`remove peerauthentications.security.istio.io/${NAME}`, `remove namespace/${PLAIN_NAMESPACE}`];

describe('the check strict', () => {
  it('passes when plain traffic is served before STRICT and refused after, and removes what it created', async () => {
    const { verdict, writes } = await strictWith();
    expect(verdict).toMatchObject({ ok: true });
    expect(writes).toContain('apply PeerAuthentication');
    expect(writes.slice(-2)).toEqual(CLEANUP);
  });

  it('fails when plain traffic is refused without STRICT, does not apply it, and removes the client', async () => {
    const { verdict, writes } = await strictWith({ before: REFUSED });
    expect(verdict.ok).toBe(false);
    expect(writes).not.toContain('apply PeerAuthentication');
    expect(writes.slice(-2)).toEqual(CLEANUP);
  });

  it('fails when mesh traffic is refused, says where to look, and removes what it created', async () => {
    const { verdict, writes } = await strictWith({ mesh: REFUSED });
    expect(verdict.ok).toBe(false);
    expect(verdict.look).toContain('peerauthentications');
    expect(writes.slice(-2)).toEqual(CLEANUP);
  });

  it('writes nothing when a PeerAuthentication with its name is not from istio-vms', async () => {
    const { verdict, writes } = await strictWith({ foreign: true });
    expect(verdict.ok).toBe(false);
    expect(verdict.hint).toBeDefined();
    expect(writes).toEqual([]);
  });
});
