import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseEnvFile } from '../../../src/guest/env-file.ts';
import { describeWorkloadFiles, fixWorkloadFiles, type WorkloadFiles } from '../../../src/guest/workload-files.ts';
import { labConfig } from '../kube/lab.ts';

const config = labConfig();
const token = `x.${Buffer.from(JSON.stringify({ sub: 'system:serviceaccount:vmns:vmsa', exp: 1_700_003_600 })).toString('base64url')}.y`;

/** As istioctl 1.19.3 writes them (docs/facts/istio-vm.md 4.3). */
const raw: WorkloadFiles = {
  clusterEnv: `CA_ADDR='istiod-1-19-3.istio-system.svc:15012'
CANONICAL_SERVICE='external-app'
ISTIO_METAJSON_LABELS='{"app":"external-app","service.istio.io/canonical-name":"external-app"}'
ISTIO_META_AUTO_REGISTER_GROUP='external-app'
ISTIO_META_NETWORK='vm-network'
ISTIO_SERVICE_CIDR='*'
ISTIO_SVC_IP='192.168.64.64'
POD_NAMESPACE='vmns'
`,
  meshYaml:
    'defaultConfig:\n  discoveryAddress: istiod-1-19-3.istio-system.svc:15012\n  proxyMetadata:\n    CANONICAL_SERVICE: external-app\n',
  hosts: '',
  rootCert: '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n',
  token,
};
const fixes = {
  fixCa: true,
  fixPilot: true,
  gatewayAddress: '192.168.64.60',
  vmAddress: '192.168.64.64',
  workload: config.workloads[0],
};
const address = 'istiod-1-19-3.istio-system.svc:15013';

describe('fixWorkloadFiles', () => {
  it('sets the outside port of the gateway everywhere the agent reads the address of istiod', () => {
    const { files, problems } = fixWorkloadFiles(raw, config, fixes);
    expect(problems).toEqual([]);
    const env = parseEnvFile(files.clusterEnv);
    expect(env.get('CA_ADDR')).toBe(address);
    expect(env.get('PILOT_ADDRESS')).toBe(address);
    expect(parse(files.meshYaml)).toEqual({
      defaultConfig: { discoveryAddress: address, proxyMetadata: { CANONICAL_SERVICE: 'external-app' } },
    });
    expect(JSON.parse(env.get('ISTIO_METAJSON_LABELS') ?? '')).toHaveProperty('app', 'external-app');
  });

  it('leaves addresses unchanged when their fix is disabled', () => {
    const { files } = fixWorkloadFiles(raw, config, { ...fixes, fixCa: false, fixPilot: false });
    expect(parseEnvFile(files.clusterEnv).get('CA_ADDR')).toMatch(/:15012$/);
    expect(parseEnvFile(files.clusterEnv).has('PILOT_ADDRESS')).toBe(false);
    expect(files.meshYaml).toBe(raw.meshYaml);
  });

  it('never leaves hosts empty, and replaces an old gateway address', () => {
    const line = '192.168.64.60 istiod-1-19-3.istio-system.svc\n';
    expect(fixWorkloadFiles(raw, config, fixes).files.hosts).toBe(line);
    expect(
      fixWorkloadFiles({ ...raw, hosts: '10.0.0.1 istiod-1-19-3.istio-system.svc' }, config, fixes).files.hosts,
    ).toBe(line);
  });

  it('changes nothing the second time', () => {
    const { files } = fixWorkloadFiles(raw, config, fixes);
    expect(fixWorkloadFiles(files, config, fixes)).toEqual({ files, problems: [] });
  });

  it.each<[string, Partial<WorkloadFiles>, Partial<typeof fixes>, RegExp]>([
    ['no gateway address', {}, { gatewayAddress: '' }, /^hosts: "" is not an address/],
    ['no certificate', { rootCert: '' }, {}, /^root-cert.pem/],
    ['no token', { token: ' ' }, {}, /^istio-token is empty/],
    [
      'another group',
      { clusterEnv: raw.clusterEnv.replace("GROUP='external-app'", "GROUP='other'") },
      {},
      /register itself/,
    ],
    [
      'another account',
      {
        token: token.replace(
          /\..*\./,
          `.${Buffer.from('{"sub":"system:serviceaccount:vmns:default"}').toString('base64url')}.`,
        ),
      },
      {},
      /vmns\/default/,
    ],
  ])('reports the problem: %s', (_, files, other, expected) => {
    const { problems } = fixWorkloadFiles({ ...raw, ...files }, config, { ...fixes, ...other });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });
});

describe('describeWorkloadFiles', () => {
  it('reports their values, but no secret', () => {
    const summary = describeWorkloadFiles(fixWorkloadFiles(raw, config, fixes).files);
    expect(summary).toEqual({
      caAddress: address,
      pilotAddress: address,
      discoveryAddress: address,
      gatewayAddress: '192.168.64.60',
      istiodHost: 'istiod-1-19-3.istio-system.svc',
      vmAddress: '192.168.64.64',
      network: 'vm-network',
      autoRegisterGroup: 'external-app',
      serviceAccount: 'vmns/vmsa',
      tokenExpires: 1_700_003_600,
    });
    expect(JSON.stringify(summary)).not.toContain(token);
  });

  it('omits an empty hosts file and an unreadable token', () => {
    const summary = describeWorkloadFiles({ ...raw, token: 'opaque' });
    expect(summary).not.toHaveProperty('gatewayAddress');
    expect(summary).not.toHaveProperty('tokenExpires');
  });
});
