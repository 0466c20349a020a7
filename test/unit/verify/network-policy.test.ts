import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/kube/manifests/manifest.ts';
import { articleDenyAll, articleDenyEgress, denyEgressToVm } from '../../../src/kube/manifests/policies.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { networkPolicy } from '../../../src/verify/network-policy.ts';
import { addressOf, config, verdictOf, VM } from './fake-lab.ts';

const [workload] = config.workloads;
const POLICIES = [
  articleDenyAll(config, workload),
  articleDenyEgress(config, workload),
  denyEgressToVm(config, addressOf(VM)),
].map(({ metadata }) => metadata.name);
const [BY_POD, BY_NAMESPACE, BY_ADDRESS] = POLICIES;

interface Effects {
  /** Policies that block requests to the VM, and to pods. */
  readonly blocksVm?: readonly (string | undefined)[];
  readonly blocksPods?: readonly (string | undefined)[];
  /** Whether traffic to the VM stays blocked after the policies are removed. */
  readonly stays?: boolean;
}

/** Runs the check in a cluster where policies have these effects; returns its verdict and its writes. */
async function checked({ blocksVm = [BY_NAMESPACE, BY_ADDRESS], blocksPods = [], stays = false }: Effects = {}) {
  const writes: string[] = [];
  let present: string | undefined;
  let blocked = false;
  const kubectl = {
    apply: async ([policy]: readonly Manifest[]) => {
      present = policy?.metadata.name;
      writes.push(`apply ${present ?? ''}`);
    },
    remove: async (kind: string, name: string) => {
      present = undefined;
      writes.push(`remove ${name}`);
      if (!kind.startsWith('networkpolicies')) throw new Error(`removes ${kind}`);
    },
    exec: async (_: unknown, command: readonly string[]) => {
      const isToVm = command.some((word) => word.startsWith(`http://${workload.app}.${workload.namespace}.`));
      const blocks = present !== undefined && (isToVm ? blocksVm : blocksPods).includes(present);
      blocked ||= blocks;
      const refused = blocks || (stays && blocked && isToVm);
      return { stdout: refused ? '\n000' : 'Hello\n200' };
    },
  } as unknown as Partial<Lab['kubectl']>;
  return { verdict: await verdictOf(networkPolicy, { kubectl }), writes };
}

const ALL_REMOVED = POLICIES.flatMap((name) => [`apply ${name}`, `remove ${name}`]);

describe('the check network-policy', () => {
  it('passes when only policies by namespace and by address block the VM, and removes each of them', async () => {
    const { verdict, writes } = await checked();
    expect(verdict).toMatchObject({ ok: true });
    expect(writes).toEqual(ALL_REMOVED);
  });

  it.each<[string, Effects]>([
    ['a policy by pod selector blocks the VM', { blocksVm: POLICIES }],
    ['a policy by address has no effect', { blocksVm: [BY_NAMESPACE] }],
    ['no policy has an effect', { blocksVm: [] }],
    ['a policy blocks pods too', { blocksPods: [BY_POD] }],
    ['traffic does not flow again', { stays: true }],
  ])('fails when %s, says where to look, and removes each policy', async (_, effects) => {
    const { verdict, writes } = await checked(effects);
    expect(verdict.ok).toBe(false);
    expect(verdict.look).toContain('networkpolicies');
    expect(writes).toEqual(ALL_REMOVED);
  });
});
