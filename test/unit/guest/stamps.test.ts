import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const temp = mkdtempSync(join(tmpdir(), 'istio-vms-stamps-'));
const script = (name: string): string => readFileSync(`data/guest/${name}`, 'utf8');

/** The files whose digest a script stores as a stamp: the arguments of sha256sum, with variables replaced. */
function stamped(text: string, pattern: RegExp): readonly string[] {
  const words = (pattern.exec(text)?.[1] ?? '').replaceAll('\\\n', ' ').replaceAll('"', '');
  return words
    .replaceAll('$store', '/var/lib/istio-vms')
    .replaceAll('$root', '/var/lib/istio-vms/root-cert.pem')
    .replaceAll('$unit', 'istio-vms-demo')
    .trim()
    .split(/\s+/);
}

describe('the stamp check in state.sh', () => {
  afterAll(() => rmSync(temp, { recursive: true }));
  const state = script('state.sh');

  it.each([
    ['sidecar-start.sh', /current istio ([^)]*)\)/],
    ['demo-start.sh', /current istio-vms-demo ([^)]*)\)/],
  ])('reads the files that %s stamps, in the same order', (name, pattern) => {
    const files = stamped(script(name), /^now=\$\(sha256sum ([^|]*)\|/m);
    expect(files.length).toBeGreaterThan(1);
    expect(stamped(state, pattern)).toEqual(files);
  });

  it.skipIf(process.platform !== 'linux')('distinguishes a stamped, a changed and a never started unit', () => {
    const [unit, env] = [join(temp, 'unit'), join(temp, 'env')];
    const local = (text: string): string =>
      text
        .replaceAll('/etc/systemd/system/istio-vms-demo.service', unit)
        .replaceAll('/var/lib/istio-vms/demo.env', env)
        .replaceAll('/var/lib/istio-vms/started.', join(temp, 'started.'));
    const reportedStamp = (): string | undefined =>
      /^demo\.current\t(.*)$/m.exec(execFileSync('sh', ['-c', local(state), 'state'], { encoding: 'utf8' }))?.[1];
    writeFileSync(unit, 'a unit');
    writeFileSync(env, 'A=1');
    expect(reportedStamp()).toBe('-');
    const now = execFileSync('sh', ['-c', `sha256sum ${unit} ${env} | sha256sum`], { encoding: 'utf8' });
    writeFileSync(join(temp, 'started.istio-vms-demo'), now);
    expect(reportedStamp()).toBe('yes');
    writeFileSync(env, 'A=2');
    expect(reportedStamp()).toBe('no');
  });
});
