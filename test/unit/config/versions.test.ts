import { describe, expect, test } from 'vitest';
import {
  isAtLeast,
  istioRow,
  kubernetesMinor,
  minorOf,
  nearestKnownMinor,
  supportedRange,
} from '../../../src/config/versions.ts';
import { istioctlArtifact, sidecarDebArtifact } from '../../../src/artifacts/artifacts.ts';
import { labImages } from '../../../src/artifacts/images.ts';
import { host, load, problems, versions } from './fixtures.ts';

describe('data/versions.json', () => {
  test('covers 1.19 to 1.32', () => {
    expect(Object.keys(versions.istio)).toEqual(Array.from({ length: 14 }, (_, index) => `1.${index + 19}`));
    expect(supportedRange(versions)).toBe('1.19 to 1.32');
    expect(minorOf(versions.newestTested)).toBe('1.31');
  });

  test.each(Object.entries(versions.istio))('has values for %s that can be configured', (minor, row) => {
    expect(minorOf(row.lastPatch)).toBe(minor);
    expect(isAtLeast(kubernetesMinor(row.k3s), row.kubernetesFloor)).toBe(true);
    expect(load({ flags: { ISTIO_VERSION: row.lastPatch } }).config.k3s.version).toBe(row.k3s);
    for (const image of row.helloworldImages) expect(image.startsWith(`${row.hub}/`)).toBe(true);
  });

  test('takes every image from Docker Hub, the only registry available after December 2026', () => {
    for (const row of Object.values(versions.istio)) expect(row.hub).toBe('docker.io/istio');
    const withBuiltInHub = Object.entries(versions.istio).filter(([, row]) => row.builtInHub !== undefined);
    expect(withBuiltInHub.map(([minor]) => minor)).toEqual(['1.30']);
  });

  test('changes the cleanup command in 1.24', () => {
    expect(versions.istio['1.23']?.rulesCleanup).toEqual(['istio-clean-iptables']);
    expect(versions.istio['1.24']?.rulesCleanup).toEqual(['istio-iptables', '--cleanup-only']);
  });

  test('has well-formed digests for k3s versions', () => {
    for (const [version, files] of Object.entries(versions.digests.k3s)) {
      expect(version).toMatch(/^v\d+\.\d+\.\d+\+k3s\d+$/);
      for (const digest of Object.values(files)) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

test.each([
  ['1.30', '1.9', true],
  ['1.9', '1.30', false],
  ['1.30', '1.30', true],
  ['2.0', '1.30', true],
])('reports whether %s is at least %s: %s', (minor, floor, expected) => {
  expect(isAtLeast(minor, floor)).toBe(expected);
});

describe('an Istio newer than the table', () => {
  const newer = ['1.33.0', '1.40.2', '1.33.0-rc.0', '2.0.0'];

  test.each(newer)('is accepted as %s with one warning and the rules of the newest minor version', (version) => {
    const { config, warnings, endOfLife } = load({ flags: { ISTIO_VERSION: version } });
    expect(warnings).toEqual([
      `Istio ${version} is newer than the versions that istio-vms supports (1.19 to 1.32); it is treated like 1.32.`,
    ]);
    expect(endOfLife).toBeUndefined();
    expect(istioRow(version, versions)).toBe(versions.istio['1.32']);
    expect(config.k3s.version).toBe(versions.istio['1.32']?.k3s);
    expect(config.istio.revision).toBe(version.replaceAll('.', '-'));
    expect(labImages(config, versions, { global: {} })).toContain(`docker.io/istio/pilot:${version}`);
  });

  test('needs the Kubernetes version of the newest minor version', () => {
    const lines = problems({ flags: { ISTIO_VERSION: '1.33.0', K3S_VERSION: 'v1.30.14+k3s2' } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Kubernetes 1.32 or later');
  });

  test('uses the digests that its publisher provides', () => {
    const { config } = load({ flags: { ISTIO_VERSION: '1.33.0' } });
    for (const artifact of [istioctlArtifact(config, host()), sidecarDebArtifact(config, 'amd64')]) {
      expect(artifact.digest).toEqual({ publishedAt: `${artifact.url}.sha256`, line: artifact.file });
    }
  });

  test.each(['1.32.9', '1.19.3'])('is not assumed for %s, which has its own rules', (version) => {
    expect(nearestKnownMinor(version, versions)).toBeUndefined();
    expect(load({ flags: { ISTIO_VERSION: version } }).warnings).toEqual([]);
  });
});

test.each(['1.18.7', '1.0.0', '1.9.9', '0.33.0', '1.33', 'v1.33.0', 'latest'])('refuses %s', (version) => {
  const lines = problems({ flags: { ISTIO_VERSION: version } });
  expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual(['ISTIO_VERSION']);
});
