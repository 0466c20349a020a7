import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseGuestState, stateCommand } from '../../../src/guest/state.ts';
import { shipped } from './shipped.ts';

const temp = mkdtempSync(join(tmpdir(), 'state of '));
afterAll(() => rmSync(temp, { recursive: true }));

describe('parseGuestState', () => {
  it('reads a healthy machine', () => {
    const state = parseGuestState(
      [
        'arch\taarch64',
        'boot_id\t0d9c-1',
        'now\t1700000000',
        'lab\tistio-vms',
        'sidecar.version\t1.19.3',
        'sidecar.enabled\tenabled',
        'sidecar.active\tactive',
        'sidecar.ready\t200',
        'demo.enabled\tdisabled',
        'demo.active\tinactive',
        'cert.expires\t1700086400',
        'sudo\tsudo-rs',
        'file\tabc 2755 root istio-proxy /a path/with spaces',
        'file\t- - - - /absent',
        '',
      ].join('\n'),
    );
    expect(state).toEqual({
      arch: 'arm64',
      bootId: '0d9c-1',
      now: 1_700_000_000,
      lab: 'istio-vms',
      sidecar: { version: '1.19.3', enabled: true, active: 'active', ready: true, readyCode: 200 },
      demo: { enabled: false, active: 'inactive' },
      certExpires: 1_700_086_400,
      sudo: 'sudo-rs',
      files: new Map([['/a path/with spaces', { sha256: 'abc', mode: 0o2755, owner: 'root', group: 'istio-proxy' }]]),
    });
  });

  it('omits what does not exist', () => {
    const state = parseGuestState(
      'sidecar.version\t-\nsidecar.enabled\t-\nsidecar.active\tinactive\nsidecar.ready\t000\ncert.expires\t-\n',
    );
    expect(state.sidecar).toEqual({ active: 'inactive', ready: false, readyCode: 0 });
    expect(state).not.toHaveProperty('certExpires');
  });

  it('refuses text that is not the output of state.sh', () => {
    expect(() => parseGuestState('sh: 1: not found\n')).toThrow('did not report its state');
  });
});

describe('state.sh', () => {
  it(
    'runs on any Linux with a POSIX shell, and its output can be parsed',
    { skip: process.platform !== 'linux' },
    () => {
      const file = join(temp, 'a file');
      writeFileSync(file, 'abc', { mode: 0o640 });
      const { args } = stateCommand(shipped, [file, join(temp, 'absent')]);
      const run = spawnSync('/bin/sh', args.slice(1), { encoding: 'utf8' });
      expect(run.status).toBe(0);
      const state = parseGuestState(run.stdout);
      expect(state.bootId).toMatch(/^[0-9a-f-]{36}$/);
      expect(state.now).toBeGreaterThan(1_700_000_000);
      expect([...state.files]).toMatchObject([
        [file, { sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', mode: 0o640 }],
      ]);
    },
  );
});
