import { quiet } from '../../support/context.ts';
import { describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Command, CommandResult, Processes } from '../../../src/system/system.ts';
import { createMask } from '../../../src/system/mask.ts';
import { createLogReporter, createRunLog, loggingProcesses } from '../../../src/ui/log.ts';

const result = (more: Partial<CommandResult> = {}): CommandResult => ({
  exitCode: 0,
  stdout: '',
  stderr: '',
  stdoutBytes: new Uint8Array(),
  durationMs: 1200,
  ...more,
});

function setup(run: (command: Command) => Promise<CommandResult> = () => Promise.resolve(result()), verbose = false) {
  const content: string[] = [];
  let full = false;
  const files = {
    append: async (path: string, text: string) => {
      // The first write is slower, so that only the log itself can keep the order.
      await new Promise((resolve) => setTimeout(resolve, content.length === 0 ? 5 : 0));
      if (full) throw new Error(`no space for ${path}`);
      content.push(text);
    },
  };
  const log = createRunLog({ files, clock: { now: () => 0 }, path: '/logs/up.log', mask: createMask(), verbose });
  const processes: Processes = { run };
  return {
    log,
    processes: loggingProcesses(processes, log),
    fill: () => (full = true),
    text: async () => {
      await log.flush();
      return content.join('').replaceAll('1970-01-01T00:00:00.000Z  ', '');
    },
  };
}

describe('the log of a run', () => {
  it('contains every command with its outcome, in order', async () => {
    const { processes, text } = setup(() => Promise.resolve(result({ stdout: 'one\ntwo\n', stderr: 'hm\n' })));
    await processes.run({ file: 'kubectl', args: ['get', "it's"], effect: 'read' }, quiet);
    await processes.run({ file: 'kubectl', args: ['apply'], effect: 'write', stdin: '{"ü":1}' }, quiet);
    expect(await text()).toBe(
      [
        "#1 read $ kubectl get 'it'\\''s'",
        '#1 exit 0 after 1.2s',
        '    | one',
        '    | two',
        '    ! hm',
        '#2 write $ kubectl apply  (stdin: 8 bytes)',
        '#2 exit 0 after 1.2s',
        '    | one',
        '    | two',
        '    ! hm',
        '',
      ].join('\n'),
    );
  });

  it('names the step or the check that a command runs for', async () => {
    const { log, text } = setup(() => Promise.resolve(result({})));
    const owners = { a: 'apply/k3s-server', b: 'proof/dns' };
    const processes = loggingProcesses({ run: () => Promise.resolve(result({})) }, log);
    for (const [file, owner] of Object.entries(owners))
      await processes.run({ file, args: [], effect: 'read' }, { ...quiet, owner });
    await processes.run({ file: 'c', args: [], effect: 'read' }, quiet);
    expect((await text()).split('\n').filter((line) => line.includes('$'))).toEqual([
      '#1 read (k3s-server) $ a',
      '#2 read (dns) $ b',
      '#3 read $ c',
    ]);
  });

  it('contains no secret in arguments, output or input', async () => {
    const { processes, text } = setup(() =>
      Promise.resolve(result({ stdout: 'token hunter2hunter2', stderr: 'hunter2hunter2' })),
    );
    const secrets = ['hunter2hunter2'];
    await processes.run(
      { file: 'x', args: ['hunter2hunter2'], effect: 'read', secrets, stdin: 'another-secret' },
      quiet,
    );
    await processes.run({ file: 'y', args: [], effect: 'read', secretOutput: true }, quiet);
    const written = await text();
    expect(written).not.toMatch(/hunter2|another-secret/);
    expect(written).toContain('#1 read $ x ***');
    expect(written).toContain('| (0 bytes, withheld)');
  });

  it('contains failures, which are passed on', async () => {
    const command: Command = { file: 'multipass', args: ['list'], effect: 'read' };
    const failure = new CommandError(command, 'exit', result({ exitCode: 2, stderr: 'no daemon' }));
    const { processes, text } = setup(() => Promise.reject(failure));
    await expect(processes.run(command, quiet)).rejects.toBe(failure);
    expect(await text()).toContain('#1 multipass ended with exit code 2 after 1.2s\n    ! no daemon\n');
  });

  it('shortens binary and very long output', async () => {
    const { processes, text } = setup(({ file }) =>
      Promise.resolve(result({ stdout: file === 'tar' ? 'a\0b' : 'x'.repeat(70_000) })),
    );
    await processes.run({ file: 'tar', args: [], effect: 'read' }, quiet);
    await processes.run({ file: 'long', args: [], effect: 'write' }, quiet);
    expect(await text()).toMatch(/\(binary, 3 characters\)[^]*\(4464 characters more\)/);
  });

  it('contains size and digest of a long read, and the whole output of a write', async () => {
    const { processes, text } = setup(() => Promise.resolve(result({ stdout: `{"items": "${'x'.repeat(3000)}"}` })));
    await processes.run({ file: 'kubectl', args: ['get'], effect: 'read' }, quiet);
    const read = await text();
    expect(read.length).toBeLessThan(500);
    expect(read).toMatch(/\| \{"items": "x+\n.*\| \(3013 characters, sha256 [0-9a-f]{12}; -v keeps the whole\)/);
    await processes.run({ file: 'kubectl', args: ['apply'], effect: 'write' }, quiet);
    expect(await text()).toContain('x'.repeat(3000));
  });

  it('contains the whole output of commands that failed, and of all commands with -v', async () => {
    const long = 'x'.repeat(3000);
    const verbose = setup(() => Promise.resolve(result({ stdout: long })), true);
    await verbose.processes.run({ file: 'kubectl', args: ['get'], effect: 'read' }, quiet);
    expect(await verbose.text()).toContain(long);
    const command: Command = { file: 'kubectl', args: ['get'], effect: 'read' };
    const failure = new CommandError(command, 'exit', result({ exitCode: 1, stdout: long }));
    const { processes, text } = setup(() => Promise.reject(failure));
    await expect(processes.run(command, quiet)).rejects.toBe(failure);
    expect(await text()).toContain(long);
  });

  it('contains progress that differs only in numbers once in ten seconds', async () => {
    const { log, text } = setup();
    const reporter = createLogReporter(log);
    for (const at of [0, 10, 9_999, 10_000]) {
      reporter.event({ type: 'step-said', at, id: 'k3s', text: `k3s: ${at} kB of 78 MB` });
    }
    expect(await text()).toMatch(/^k3s +k3s: 0 kB of 78 MB\nk3s +k3s: 10000 kB of 78 MB\n$/);
  });

  it('does not stop the run when it cannot be written, and reports the error', async () => {
    const { log, processes, fill } = setup();
    fill();
    await processes.run({ file: 'x', args: [], effect: 'read' }, quiet);
    expect(await log.flush()).toMatchObject({ message: 'no space for /logs/up.log' });
  });

  it('contains the messages of steps', async () => {
    const { log, text } = setup();
    const reporter = createLogReporter(log);
    reporter.event({ type: 'step-said', at: 0, id: 'vm', text: 'booting' });
    reporter.event({ type: 'step-queued', at: 0, id: 'vm' });
    await reporter.finish();
    expect(await text()).toBe('vm                booting\n');
  });
});
