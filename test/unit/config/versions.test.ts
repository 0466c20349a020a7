import { describe, expect, test } from 'vitest';
import { isAtLeast, kubernetesMinor, minorOf, supportedRange } from '../../../src/config/versions.ts';
import { load, versions } from './fixtures.ts';

describe('data/versions.json', () => {
  test('knows 1.19 to 1.30', () => {
    expect(Object.keys(versions.istio)).toEqual(Array.from({ length: 12 }, (_, index) => `1.${index + 19}`));
    expect(supportedRange(versions)).toBe('1.19 to 1.30');
    expect(minorOf(versions.newestTested)).toBe('1.30');
  });

  test.each(Object.entries(versions.istio))('%s can be configured as it stands', (minor, row) => {
    expect(minorOf(row.lastPatch)).toBe(minor);
    expect(isAtLeast(kubernetesMinor(row.k3s), row.kubernetesFloor)).toBe(true);
    expect(load({ flags: { ISTIO_VERSION: row.lastPatch } }).config.k3s.version).toBe(row.k3s);
    for (const image of row.helloworldImages) expect(image.startsWith(`${row.hub}/`)).toBe(true);
  });

  test('the hub and the clean-up verb change where the facts say', () => {
    expect([versions.istio['1.29']?.hub, versions.istio['1.30']?.hub]).toEqual([
      'docker.io/istio',
      'registry.istio.io/release',
    ]);
    expect(versions.istio['1.23']?.rulesCleanup).toEqual(['istio-clean-iptables']);
    expect(versions.istio['1.24']?.rulesCleanup).toEqual(['istio-iptables', '--cleanup-only']);
  });

  test('digests are digests, of versions with their k3s number', () => {
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
])('%s is at least %s: %s', (minor, floor, answer) => {
  expect(isAtLeast(minor, floor)).toBe(answer);
});
