import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shipped } from './shipped.ts';

const temp = mkdtempSync(join(tmpdir(), 'istio-vms-hosts-'));
afterAll(() => rmSync(temp, { recursive: true }));

/** What state.sh reports about our lines, with both files in a temporary directory. */
function reportedState(hosts: string | undefined, lines: string | undefined): string | undefined {
  const [hostsFile, linesFile] = [join(temp, 'hosts'), join(temp, 'lines')];
  for (const [path, text] of [
    [hostsFile, hosts],
    [linesFile, lines],
  ] as const) {
    rmSync(path, { force: true });
    if (text !== undefined) writeFileSync(path, text);
  }
  const text = (shipped.guest['state.sh'] ?? '')
    .replaceAll('/etc/hosts', hostsFile)
    .replaceAll('/var/lib/istio-vms/hosts', linesFile);
  const { stdout } = spawnSync('/bin/sh', ['-c', text, 'state'], { encoding: 'utf8' });
  return /^sidecar\.hosts\t(.*)$/m.exec(stdout)?.[1];
}

const LINES = '192.168.64.3 istiod-1-19-3.istio-system.svc\n';
const block = (lines: string): string => `# istio-vms begin\n${lines}# istio-vms end\n`;

describe.skipIf(process.platform !== 'linux')('the report of state.sh on our lines in /etc/hosts', () => {
  it.each<[string, string | undefined, string | undefined, string]>([
    ['expected lines', `127.0.0.1 localhost\n${block(LINES)}10.0.0.1 other\n`, LINES, 'there'],
    ['no lines', '127.0.0.1 localhost\n', LINES, 'missing'],
    ['lines with another address', block(LINES.replace('.3 ', '.4 ')), LINES, 'missing'],
    ['lines outside of our marks', LINES, LINES, 'missing'],
    ['no hosts file', undefined, LINES, 'missing'],
    ['no lines file', '127.0.0.1 localhost\n', undefined, '-'],
    ['an empty lines file', block(''), '', '-'],
  ])('is correct for %s', (_what, hosts, lines, expected) => expect(reportedState(hosts, lines)).toBe(expected));
});
