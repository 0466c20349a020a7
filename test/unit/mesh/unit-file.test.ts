import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseUnit } from '../../acceptance/mesh/light/unit-file.ts';

const shipped = (name: string): string =>
  readFileSync(new URL(`../../../data/guest/${name}.service`, import.meta.url), 'utf8');

describe('the stand-in for systemd of the light mesh', () => {
  it('reads the unit of the sidecar', () => {
    const unit = parseUnit(shipped('istio'));
    expect(unit).toMatchObject({
      user: 'istio-proxy',
      group: 'istio-proxy',
      environmentFiles: ['/var/lib/istio/envoy/cluster.env', '/var/lib/istio-vms/sidecar.env'],
      start: { privileged: false, argv: ['/usr/local/bin/pilot-agent', 'proxy', 'sidecar'] },
      startMs: 120_000,
      stopMs: 30_000,
      restartMs: 15_000,
    });
    expect(unit.startPre.map(({ privileged, argv: [file] }) => [privileged, file])).toEqual([
      [true, '/usr/local/lib/istio-vms/prepare'],
    ]);
    expect(unit.stopPost.map(({ privileged, argv: [file] }) => [privileged, file])).toEqual([
      [true, '/usr/local/lib/istio-vms/cleanup'],
    ]);
  });

  it('reads the unit of the demo workload and its user', () => {
    expect(parseUnit(shipped('istio-vms-demo'))).toMatchObject({ user: 'nobody', group: 'nogroup' });
  });

  it.each([
    ['[Service]\nExecStart=/bin/true\nRuntimeDirectory=x\n', 'does not know: RuntimeDirectory=x'],
    ['[Service]\nExecStart=/bin/true\nRestart=on-failure\n', 'knows Restart=always only, not on-failure'],
    ['[Service]\nExecStart=-/bin/true\n', 'does not know the prefix -'],
    ['[Service]\nExecStart=/bin/sh -c "true"\n', 'reads no quotes'],
    ['[Service]\nUser=x\n', 'a unit without ExecStart'],
  ])('refuses what it does not implement: %j', (text, reason) => {
    expect(() => parseUnit(text)).toThrow(reason);
  });
});
