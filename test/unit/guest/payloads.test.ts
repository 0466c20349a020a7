import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodeCloudInit, workloadCloudInit } from '../../../src/guest/cloud-init.ts';
import { demoFiles, demoPaths } from '../../../src/guest/demo.ts';
import { digestOf, driftOf } from '../../../src/guest/digest.ts';
import { dnsCommand, parseDnsAnswer } from '../../../src/guest/dns.ts';
import { parseEnvFile } from '../../../src/guest/env-file.ts';
import { agentFiles, serverFiles, type GuestPayload } from '../../../src/guest/k3s.ts';
import { installScript, removeScript, sidecarFiles, sidecarPaths } from '../../../src/guest/sidecar.ts';
import { labConfig } from '../kube/lab.ts';
import { shipped } from './shipped.ts';

const config = labConfig();
const binary = { file: '/cache/k3s' };

function contentOf(payload: GuestPayload, path: string): string {
  const content = payload.files.find((file) => file.path === path)?.content;
  if (typeof content !== 'string') throw new Error(`no text at ${path}`);
  return content;
}

describe('the k3s payload', () => {
  const server = serverFiles(config, { shipped, binary, address: '192.168.64.2' });
  const agent = agentFiles(config, {
    shipped,
    binary,
    address: '192.168.64.3',
    serverAddress: '192.168.64.2',
    agentToken: 'K10abc::node:s3cr3t\n',
  });

  it('configures the server', () => {
    expect(parse(contentOf(server, '/etc/rancher/k3s/config.yaml'))).toEqual({
      'agent-token-file': '/etc/rancher/k3s/agent-token',
      'node-ip': '192.168.64.2',
      disable: ['traefik', 'metrics-server', 'local-storage'],
      'disable-helm-controller': true,
      'write-kubeconfig-mode': '0600',
      'node-taint': ['node-role.kubernetes.io/control-plane:NoSchedule'],
    });
  });

  it('limits the names of the certificate for a k3s version that does not limit them itself', () => {
    const old = { ...config, k3s: { ...config.k3s, version: 'v1.27.7+k3s1' } };
    const text = contentOf(
      serverFiles(old, { shipped, binary, address: '192.168.64.2' }),
      '/etc/rancher/k3s/config.yaml',
    );
    expect(parse(text)).toMatchObject({ 'tls-san-security': true });
  });

  it('gives an agent no server-only key, and its token only in a private file', () => {
    expect(parse(contentOf(agent, '/etc/rancher/k3s/config.yaml'))).toEqual({
      server: 'https://192.168.64.2:6443',
      'token-file': '/etc/rancher/k3s/agent-token',
      'node-ip': '192.168.64.3',
    });
    const withSecret = agent.files.filter(
      (file) => typeof file.content === 'string' && file.content.includes('s3cr3t'),
    );
    expect(withSecret.map(({ path, mode }) => [path, mode])).toEqual([['/etc/rancher/k3s/agent-token', 0o600]]);
    expect(JSON.stringify(agent.script.args)).not.toContain('s3cr3t');
  });

  it('starts the unit of the role', () => {
    expect([server.script.name, ...server.script.args]).toEqual(['k3s-start.sh', 'k3s']);
    expect([agent.script.name, ...agent.script.args]).toEqual(['k3s-start.sh', 'k3s-agent']);
    expect(contentOf(server, '/etc/systemd/system/k3s.service')).toContain('ExecStart=/usr/local/bin/k3s server\n');
    expect(contentOf(agent, '/etc/systemd/system/k3s-agent.service')).toContain('ExecStart=/usr/local/bin/k3s agent\n');
  });
});

describe('the cloud-init data', () => {
  it.each([nodeCloudInit(config), workloadCloudInit(config)])(
    'marks the machine and leaves its users and hosts unchanged',
    (data) => {
      expect(data).toMatchObject({
        manage_etc_hosts: false,
        write_files: [{ path: '/etc/istio-vms/lab', content: 'test-lab\n' }],
      });
      expect(data).not.toHaveProperty('users');
    },
  );
});

describe('the sidecar payload', () => {
  const workloadFiles = { clusterEnv: 'A="1"\n', meshYaml: '{}\n', hosts: 'h\n', rootCert: 'c\n', token: 'secret\n' };
  const [workload] = config.workloads;
  const input = { shipped, workloadFiles, workload, address: '192.168.64.64' };

  it.each([
    ['1.19.3', 'istio-clean-iptables'],
    ['1.30.3', 'istio-iptables --cleanup-only'],
  ])('cleans the rules of Istio %s with `%s`', (version, verb) => {
    const payload = sidecarFiles(labConfig(version), input);
    expect(Object.fromEntries(parseEnvFile(contentOf(payload, '/var/lib/istio-vms/sidecar.env')))).toEqual({
      INSTANCE_IP: '192.168.64.64',
      POD_NAME: 'vm-istio-external-workload',
      POD_NAMESPACE: 'vmns',
      PROV_CERT: '/etc/certs',
      OUTPUT_CERTS: '/etc/certs',
      ISTIO_VMS_IDENTITY: 'spiffe://cluster.local/ns/vmns/sa/vmsa',
      ISTIO_VMS_RULES_CLEANUP: verb,
    });
  });

  it.each([
    [{ namespace: 'other' }, '', 'spiffe://cluster.local/ns/other/sa/vmsa'],
    [{ serviceAccount: 'other' }, '', 'spiffe://cluster.local/ns/vmns/sa/other'],
    [{}, 'TRUST_DOMAIN="corp.example"\n', 'spiffe://corp.example/ns/vmns/sa/vmsa'],
  ])('passes the identity for %j and %j to the start script', (set, clusterEnv, identity) => {
    const changed = { ...input, workload: { ...workload, ...set }, workloadFiles: { ...workloadFiles, clusterEnv } };
    const text = contentOf(sidecarFiles(config, changed), '/var/lib/istio-vms/sidecar.env');
    expect(text).toContain(`ISTIO_VMS_IDENTITY="${identity}"\n`);
  });

  it('contains exactly the files that the state reports, with a private token and executable helpers', () => {
    const { files } = sidecarFiles(config, input);
    expect(files.map((file) => file.path).sort()).toEqual([...sidecarPaths].sort());
    expect(files.filter((file) => file.content === 'secret\n').map((file) => file.mode)).toEqual([0o600]);
    for (const file of files)
      expect(file.mode).toBe(
        /\/lib\/istio-vms\//.test(file.path) && !/^\/var/.test(file.path)
          ? 0o755
          : file.path.endsWith('token')
            ? 0o600
            : 0o644,
      );
  });

  it('contains every helper that the unit names', () => {
    const { files } = sidecarFiles(config, input);
    const unit = shipped.guest['istio.service'] ?? '';
    const named = [...unit.matchAll(/\/usr\/local\/lib\/istio-vms\/\S+/g)].map(([path]) => path);
    expect(named).toHaveLength(3);
    for (const path of named) expect(files.map((file) => file.path)).toContain(path);
  });

  it('installs from the package or from the files of the image', () => {
    const deb = installScript(config, { shipped, deb: { file: '/cache/istio-sidecar-arm64.deb' } });
    expect(deb.files.map((file) => file.path)).toEqual(['/var/cache/istio-vms/istio-sidecar.deb']);
    expect(deb.script.args).toEqual(['deb', '1.19.3', '/var/cache/istio-vms/istio-sidecar.deb']);
    const file = { file: '/x' };
    const image = installScript(config, { shipped, envoy: file, agent: file, bootstrap: file });
    expect(image.script.args).toEqual(['image', '1.19.3']);
    expect(image.files.map(({ path, mode }) => [path, mode])).toEqual([
      ['/usr/local/bin/envoy', 0o755],
      ['/usr/local/bin/pilot-agent', 0o755],
      ['/var/lib/istio/envoy/envoy_bootstrap_tmpl.json', 0o644],
    ]);
    expect(removeScript(shipped).text).toContain('purge');
  });
});

describe('the demo payload', () => {
  it('serves on the configured port', () => {
    const payload = demoFiles({ ...config.workloads[0], appPort: 9090 }, shipped);
    expect(payload.files.map((file) => file.path).sort()).toEqual([...demoPaths].sort());
    expect(parseEnvFile(contentOf(payload, '/var/lib/istio-vms/demo.env')).get('ISTIO_VMS_DEMO_PORT')).toBe('9090');
  });
});

describe('digests of files', () => {
  const file = { path: '/a', content: 'abc', mode: 0o600 };
  const actual = {
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    mode: 0o600,
    owner: 'root',
    group: 'root',
  };

  it('are computed for text and bytes, not for host files', () => {
    expect(digestOf(file)).toBe(actual.sha256);
    expect(digestOf({ ...file, content: new TextEncoder().encode('abc') })).toBe(actual.sha256);
    expect(digestOf({ ...file, content: { file: '/a' } })).toBeUndefined();
  });

  it.each([
    ['same', file, actual, []],
    ['content', { ...file, content: 'abd' }, actual, ['/a']],
    ['mode', file, { ...actual, mode: 0o644 }, ['/a']],
    ['owner', { ...file, owner: 'istio-proxy' }, actual, ['/a']],
    ['absent', { ...file, path: '/b' }, actual, ['/b']],
    ['host file without a digest', { ...file, content: { file: '/x' } }, actual, []],
  ])('are compared to detect drift: %s', (_, wanted, actual, drift) => {
    expect(driftOf([wanted], { files: new Map([['/a', actual]]) })).toEqual(drift);
  });

  it('are passed by the caller for a host file', () => {
    const wanted = { ...file, content: { file: '/x' } };
    expect(driftOf([wanted], { files: new Map([['/a', actual]]) }, { '/a': 'other' })).toEqual(['/a']);
  });
});

describe('the DNS query', () => {
  it('runs python and reads one address per line', () => {
    const command = dnsCommand(shipped, 'istiod.istio-system.svc');
    expect([command.file, command.args[0], command.args[2], command.effect]).toEqual([
      'python3',
      '-c',
      'istiod.istio-system.svc',
      'read',
    ]);
    expect(parseDnsAnswer('10.43.0.1\r\n10.43.0.2\n')).toEqual(['10.43.0.1', '10.43.0.2']);
  });
});
