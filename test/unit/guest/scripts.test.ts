import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shipped } from './shipped.ts';

const temp = mkdtempSync(join(tmpdir(), 'istio-vms-scripts-'));
afterAll(() => rmSync(temp, { recursive: true }));
const linux = process.platform === 'linux';

describe('every shipped script', () => {
  const scripts = Object.entries(shipped.guest).filter(([, text]) => text.startsWith('#!/bin/sh\n'));

  it.each(scripts)('is POSIX shell that parses, stops on errors and describes itself: %s', (_, text) => {
    expect(spawnSync('/bin/sh', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('');
    expect(text).toMatch(/^#!\/bin\/sh\n# [A-Z]/);
    expect(text).toMatch(/^set -(e)?u$/m);
    // sudo-rs ignores -E, and our scripts already run as root (facts 5.2).
    expect(text).not.toMatch(/\bsudo -E\b/);
  });

  it.each(Object.keys(shipped.guest).filter((name) => name.endsWith('-start.sh') && name !== 'demo-start.sh'))(
    'never waits for a unit: %s',
    (name) => {
      const starts = (shipped.guest[name] ?? '').split('\n').filter((line) => /^\s*systemctl (re)?start /.test(line));
      expect(starts).toHaveLength(2);
      for (const line of starts) expect(line).toContain('--no-block');
    },
  );
});

describe.skipIf(!linux)('hosts-block', () => {
  function run(verb: string, hosts: string, lines: string): string {
    const [hostsFile, linesFile] = [join(temp, 'hosts'), join(temp, 'lines')];
    writeFileSync(hostsFile, hosts);
    writeFileSync(linesFile, lines);
    const text = (shipped.guest['hosts-block'] ?? '')
      .replace('hosts=/etc/hosts', `hosts=${hostsFile}`)
      .replace('lines=/var/lib/istio-vms/hosts', `lines=${linesFile}`);
    expect(spawnSync('/bin/sh', ['-c', text, 'hosts-block', verb], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    return readFileSync(hostsFile, 'utf8');
  }
  const foreign = '127.0.0.1 localhost\n# a foreign comment\n';
  const block = (line: string) => `# istio-vms begin\n${line}\n# istio-vms end\n`;
  const line = '192.168.64.60 istiod-1-19-3.istio-system.svc';

  it('adds our lines once', () => {
    const once = run('put', foreign, `${line}\n`);
    expect(once).toBe(foreign + block(line));
    expect(run('put', once, `${line}\n`)).toBe(once);
  });

  it('replaces and removes only our lines', () => {
    expect(run('put', foreign + block('10.0.0.1 old') + '10.0.0.9 after\n', `${line}\n`)).toBe(
      `${foreign}10.0.0.9 after\n${block(line)}`,
    );
    expect(run('drop', foreign + block(line) + '10.0.0.9 after\n', '')).toBe(`${foreign}10.0.0.9 after\n`);
  });

  it('keeps the lines after a begin mark without an end mark', () => {
    expect(run('drop', `${foreign}# istio-vms begin\n10.0.0.9 foreign\n`, '')).toBe(`${foreign}10.0.0.9 foreign\n`);
  });
});

describe.skipIf(spawnSync('python3', ['-c', '']).status !== 0)('dns.py', () => {
  /** Runs dns.py against a name server that answers every query with this code and these addresses. */
  async function queryDns(code: number, addresses: readonly string[]) {
    const server = createSocket('udp4');
    server.on('message', (message, from) => {
      const head = Buffer.from(message.subarray(0, 12));
      head.writeUInt16BE(0x8180 | code, 2);
      head.writeUInt16BE(addresses.length + 1, 6);
      // Real answers begin with an alias: its name is a compression pointer, and its type is not an address.
      const alias = Buffer.from('c00c00050001000000050002c00c', 'hex');
      const answers = addresses.map((address) =>
        Buffer.concat([Buffer.from('c00c00010001000000050004', 'hex'), Buffer.from(address.split('.').map(Number))]),
      );
      server.send(Buffer.concat([head, message.subarray(12), alias, ...answers]), from.port, from.address);
    });
    await new Promise<void>((done) => server.bind(0, '127.0.0.1', done));
    const child = spawn('python3', [
      '-c',
      shipped.guest['dns.py'] ?? '',
      'istiod.istio-system.svc',
      `127.0.0.1#${server.address().port}`,
    ]);
    const [stdout, stderr, status] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((done) => child.on('close', done)),
    ]);
    server.close();
    return { stdout, stderr, status };
  }

  it('prints one address per line', async () => {
    expect(await queryDns(0, ['10.43.26.124', '10.43.0.1'])).toEqual({
      stdout: '10.43.26.124\n10.43.0.1\n',
      stderr: '',
      status: 0,
    });
  });

  it.each([
    [2, 'SERVFAIL'],
    [3, 'NXDOMAIN'],
    [0, 'NODATA'],
  ])('reports answer code %i without addresses as %s', async (code, reason) => {
    const { status, stderr } = await queryDns(code, []);
    expect(status).toBe(1);
    expect(stderr).toContain(`istiod.istio-system.svc: ${reason}`);
  });
});

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
