import { describe, expect, it } from 'vitest';
import type { GuestState } from '../../../src/guest/state.ts';
import { istiodAddress, istiodHost } from '../../../src/guest/workload-files.ts';
import { workloadFiles } from '../../../src/verify/vm-checks.ts';
import { addressOf, config, node, NODES, NOW, verdictOf, type View } from './fake-lab.ts';

const HOUR_S = 3600;
const now = NOW / 1000;
const gateway = addressOf(config.k3s.workerNames[0] ?? '');

const token = (expires: number): string =>
  `h.${Buffer.from(JSON.stringify({ exp: expires, sub: 'system:serviceaccount:a:b' })).toString('base64url')}.s`;

interface Files {
  readonly hosts?: string;
  readonly caAddress?: string;
  readonly expires?: number;
}

const files = ({ hosts = gateway, caAddress = istiodAddress(config), expires = now + HOUR_S }: Files = {}) => ({
  'cluster.env': `CA_ADDR='${caAddress}'\n`,
  hosts: `${hosts} ${istiodHost(config)}\n`,
  'istio-token': token(expires),
  'mesh.yaml': 'defaultConfig: {}\n',
  'root-cert.pem': 'certificate',
});

const view = (texts: Readonly<Record<string, string>>, vm?: Partial<GuestState>): View => ({
  objects: NODES.map((name) => node(name)),
  texts: Object.fromEntries(Object.entries(texts).map(([name, text]) => [`/${name}`, text])),
  ...(vm === undefined ? {} : { vm: vm as GuestState }),
});

describe('the check workload-files', () => {
  it('passes when the files name the gateway and the CA, with a valid token', async () => {
    expect(await verdictOf(workloadFiles, view(files()))).toMatchObject({ ok: true });
  });

  it.each<[string, Files, string]>([
    ['another gateway', { hosts: '192.0.2.1' }, gateway],
    ['another CA', { caAddress: 'istiod.other.svc:15012' }, istiodAddress(config)],
  ])('fails when they name %s, and reports the expected value', async (_, change, right) => {
    const verdict = await verdictOf(workloadFiles, view(files(change)));
    expect(verdict).toMatchObject({ ok: false, blocks: [] });
    expect(verdict.evidence).toContain(right);
  });

  it.each(Object.keys(files()))('fails when %s is missing, without blocking other checks', async (name) => {
    const rest = Object.fromEntries(Object.entries(files()).filter(([each]) => each !== name));
    expect(await verdictOf(workloadFiles, view(rest))).toMatchObject({ ok: false, blocks: [] });
  });

  it('passes with an expired token while the certificate of the VM is valid', async () => {
    const verdict = await verdictOf(
      workloadFiles,
      view(files({ expires: now - HOUR_S }), { certExpires: now + HOUR_S }),
    );
    expect(verdict).toMatchObject({ ok: true, evidence: expect.stringContaining('the token expired at') as string });
  });

  it.each([
    ['has expired too', { certExpires: now - HOUR_S }],
    ['does not exist', {}],
  ])('fails with an expired token when the certificate of the VM %s', async (_, vm) => {
    const verdict = await verdictOf(workloadFiles, view(files({ expires: now - HOUR_S }), vm));
    expect(verdict.ok).toBe(false);
    expect(verdict.look).toContain('journalctl');
  });

  it('passes with an expired token when the VM cannot be read, and says so', async () => {
    const verdict = await verdictOf(workloadFiles, view(files({ expires: now - HOUR_S })));
    expect(verdict).toMatchObject({ ok: true, evidence: expect.stringContaining('cannot be read') as string });
  });
});
