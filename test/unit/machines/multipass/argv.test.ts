import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as argv from '../../../../src/machines/multipass/argv.ts';
import type { Command } from '../../../../src/system/system.ts';
import { resultOf } from '../../../support/fake-processes.ts';

const spec = {
  name: 'k1',
  release: '22.04',
  cpus: 2,
  memory: '1G',
  disk: '4G',
  cloudInit: { manage_etc_hosts: false, write_files: [{ path: '/a', content: '#!/bin/sh\n"q"\n' }] },
};

describe('multipass argv', () => {
  it.each<[string, Command, 'read' | 'write']>([
    ['version --format json', argv.versionCommand(), 'read'],
    ['list --format json', argv.listCommand(), 'read'],
    ['info k1 --format json', argv.infoCommand('k1'), 'read'],
    [
      'launch 22.04 --name k1 --cpus 2 --memory 1G --disk 4G --timeout 900 --cloud-init -',
      argv.launchCommand(spec),
      'write',
    ],
    ['start k1 --timeout 300', argv.startCommand('k1'), 'write'],
    ['stop k1', argv.stopCommand('k1'), 'write'],
    ['delete --purge k1', argv.removeCommand('k1'), 'write'],
  ])('includes `%s`', (line, command, effect) => {
    expect([command.file, command.args.join(' '), command.effect]).toEqual(['multipass', line, effect]);
    expect(command.origin).toBe('engine');
    expect(command.timeoutMs).toBeGreaterThan(0);
  });

  it('passes cloud-init as YAML on standard input', () => {
    const { stdin } = argv.launchCommand(spec);
    expect(stdin).toMatch(/^#cloud-config\n/);
    expect(parse(stdin as string)).toEqual(spec.cloudInit);
  });

  it('has a longer time limit than the tool itself', () => {
    expect(argv.launchCommand(spec).timeoutMs).toBeGreaterThan(900_000);
    expect(argv.startCommand('k1').timeoutMs).toBeGreaterThan(300_000);
  });

  it('wraps a command that runs on the machine', () => {
    const inner: Command = { file: 'sudo', args: ['cat', '/a b'], effect: 'read', stdin: 'x', secretOutput: true };
    const outer = argv.execCommand('k1', inner);
    expect(outer.args).toEqual([
      ...['exec', '-n', 'k1', '--', 'sh', '-c', argv.SHIM, 'sh'],
      // The time limit on the machine, which is longer than ours.
      ...['65', 'sudo', 'cat', '/a b'],
    ]);
    expect(outer).toMatchObject({ file: 'multipass', origin: 'guest', effect: 'read', stdin: 'x', secretOutput: true });
    expect(outer.onMachine).toEqual({
      name: 'k1',
      argv: ['sudo', 'cat', '/a b'],
      restartHint: 'multipass restart k1',
    });
    expect(argv.execCommand('k1', { ...inner, timeoutMs: 5 }).timeoutMs).toBe(5);
  });

  it.each([
    ['exit code 4', 104, 'no\u001f', 4, 'no'],
    ['exit code 104', 104, 'no', 104, 'no'],
    ['another exit code', 3, '\u001f', 3, '\u001f'],
  ])('restores the exit code: %s', (_, exitCode, stderr, inner, message) => {
    expect(argv.withFour(resultOf({ exitCode, stderr }))).toMatchObject({ exitCode: inner, stderr: message });
  });

  it('passes the environment as arguments of env', () => {
    const outer = argv.execCommand('k1', { file: 'x', args: [], effect: 'write', env: { A: 'b c' } });
    expect(outer.args.slice(-3)).toEqual(['env', 'A=b c', 'x']);
    expect(outer.env).toBeUndefined();
  });
});
