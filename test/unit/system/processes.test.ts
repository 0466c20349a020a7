import { quiet } from '../../support/context.ts';
import { spawnSync } from 'node:child_process';
import { createFixture } from 'fs-fixture';
import { describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Command } from '../../../src/system/system.ts';
import { createProcesses } from '../../../src/system/processes.ts';

const node = (script: string, more: Partial<Command> = {}): Command => ({
  file: process.execPath,
  args: ['-e', script],
  effect: 'read',
  ...more,
});

async function failureOf(work: Promise<unknown>): Promise<CommandError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(CommandError);
  return thrown as CommandError;
}

/** A zombie does not count as alive: init of a container may be slow to reap it. */
const alive = (pid: number): boolean => {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
};

/** A process that starts a child and prints both process ids; neither ends soon by itself. */
const parentAndChild = (more: Partial<Command> = {}, before = ''): Command => ({
  file: 'sh',
  args: ['-c', `${before} sleep 600 & echo $$ $!; wait`],
  effect: 'read',
  ...more,
});

async function expectEnded(pids: readonly number[]): Promise<void> {
  expect(pids.length).toBe(2);
  await expect.poll(() => pids.filter(alive), { timeout: 3000, interval: 20 }).toEqual([]);
}

const pidsIn = (error: CommandError): number[] => error.result.stdout.trim().split(' ').map(Number);

describe('createProcesses', () => {
  const processes = createProcesses(200);

  it('keeps stdout and stderr apart and unchanged, with the duration', async () => {
    const result = await processes.run(
      node(`process.stdout.write(Buffer.from([255, 0, 10])); console.error('warning\\n')`),
      quiet,
    );
    expect([...result.stdoutBytes]).toEqual([255, 0, 10]);
    expect(result).toMatchObject({ exitCode: 0, stderr: 'warning\n\n' });
    expect(result.durationMs).toBeGreaterThan(0);
  });

  it('passes on each line of stderr as it comes, and keeps all of it', async () => {
    const lines: string[] = [];
    const script = `process.stderr.write('one\\ntw'); setTimeout(() => process.stderr.write('o\\nthree'), 50)`;
    const result = await processes.run(node(script, { onStderrLine: (line) => void lines.push(line) }), quiet);
    expect(lines).toEqual(['one', 'two', 'three']);
    expect(result.stderr).toBe('one\ntwo\nthree');
  });

  it('ends an interruptible write on an interrupt, with SIGINT and then with SIGTERM', async () => {
    for (const handler of ['', `process.on('SIGINT', () => console.error('heard'));`]) {
      const interrupt = new AbortController();
      const script = `${handler} console.error('up'); setTimeout(() => {}, 60_000)`;
      const command = node(script, {
        effect: 'write',
        interruptible: true,
        onStderrLine: (line) => {
          if (line === 'up') interrupt.abort();
        },
      });
      const failed = await failureOf(processes.run(command, { ...quiet, signal: interrupt.signal }));
      expect(failed.failure).toBe('aborted');
      expect(failed.result.stderr.includes('heard')).toBe(handler !== '');
      expect(failed.result.durationMs).toBeLessThan(20_000);
    }
  });

  it('passes arguments unchanged, without a shell', async () => {
    const args = ['-p', 'JSON.stringify(process.argv.slice(1))', '--', '$(id)', 'a b', "'", '*', '', '-n', 'ü\n'];
    const { stdout } = await processes.run({ file: process.execPath, args, effect: 'read' }, quiet);
    expect(JSON.parse(stdout)).toEqual(args.slice(3));
  });

  it.each([
    ['nothing', undefined, ''],
    ['text', 'a\nb', 'a\nb'],
    ['bytes', new Uint8Array([104, 105]), 'hi'],
  ])('passes %s as input', async (_, stdin, output) => {
    const script = `process.stdin.on('data', (d) => process.stdout.write(d))`;
    const { stdout } = await processes.run(node(script, stdin === undefined ? {} : { stdin }), quiet);
    expect(stdout).toBe(output);
  });

  it('streams a file as input, through a pipe', async () => {
    await using fixture = await createFixture({ payload: 'x'.repeat(300_000) });
    const script = `let n = 0; console.log(fs.fstatSync(0).isFile()); process.stdin.on('data', (d) => (n += d.length)).on('end', () => console.log(n))`;
    const { stdout } = await processes.run(node(script, { stdin: { file: fixture.getPath('payload') } }), quiet);
    expect(stdout).toBe('false\n300000\n');
  });

  it('reports a missing input file as an error of the file, not of the program', async () => {
    await expect(processes.run(node('', { stdin: { file: '/no/such/file' } }), quiet)).rejects.toMatchObject({
      name: 'CliError',
      message: expect.stringContaining('/no/such/file') as string,
    });
  });

  it('accepts a program that does not read its input', async () => {
    const { exitCode } = await processes.run(node('process.exit(0)', { stdin: 'x'.repeat(1_000_000) }), quiet);
    expect(exitCode).toBe(0);
  });

  it('adds variables to the environment', async () => {
    const { stdout } = await processes.run(
      node('process.stdout.write(process.env.ADDED + (process.env.PATH ? "+" : ""))', { env: { ADDED: 'a' } }),
      quiet,
    );
    expect(stdout).toBe('a+');
  });

  it('throws with all details when the exit code is not 0', async () => {
    const error = await failureOf(
      processes.run(node(`console.log('out'); console.error('err'); process.exit(33)`), quiet),
    );
    expect(error).toMatchObject({ failure: 'exit', result: { exitCode: 33, stdout: 'out\n', stderr: 'err\n' } });
    expect(error.message).toMatch(/ended with exit code 33$/);
  });

  it('distinguishes a missing program from one that may not be run', async () => {
    const missing = await failureOf(processes.run({ file: 'no-such-program-here', args: [], effect: 'read' }, quiet));
    expect(missing).toMatchObject({ failure: 'not-found', result: { exitCode: 127 } });
    const unrunnable = await failureOf(processes.run({ file: '/etc/passwd', args: [], effect: 'read' }, quiet));
    expect(unrunnable).toMatchObject({ failure: 'not-found', result: { exitCode: 127 } });
    expect(unrunnable.result.stderr).toContain('EACCES');
  });

  it('reports a program that was killed', async () => {
    const error = await failureOf(processes.run(node(`process.kill(process.pid, 'SIGKILL')`), quiet));
    expect(error).toMatchObject({ failure: 'killed', result: { exitCode: -1 } });
  });

  it('ends the whole process group at the time limit', async () => {
    const error = await failureOf(processes.run(parentAndChild({ timeoutMs: 400, effect: 'write' }), quiet));
    expect(error.failure).toBe('timed-out');
    await expectEnded(pidsIn(error));
  });

  it('kills a program that ignores SIGTERM', async () => {
    const error = await failureOf(processes.run(parentAndChild({ timeoutMs: 400 }, "trap '' TERM;"), quiet));
    expect(error.failure).toBe('timed-out');
    await expectEnded(pidsIn(error));
  });

  it('ends a read on an interrupt, and starts nothing after it', async () => {
    const controller = new AbortController();
    const work = failureOf(processes.run(parentAndChild(), { ...quiet, signal: controller.signal }));
    setTimeout(() => controller.abort(), 400);
    const error = await work;
    expect(error.failure).toBe('aborted');
    await expectEnded(pidsIn(error));
    const late = await failureOf(
      processes.run(node('console.log(1)', { effect: 'write' }), { ...quiet, signal: controller.signal }),
    );
    expect(late).toMatchObject({ failure: 'aborted', result: { stdout: '' } });
  });

  it('starts nothing when the interrupt comes while it checks the input', async () => {
    const controller = new AbortController();
    const command = node(`console.log('begun')`, { effect: 'write', stdin: { file: process.execPath } });
    const work = failureOf(processes.run(command, { ...quiet, signal: controller.signal }));
    controller.abort();
    expect(await work).toMatchObject({ failure: 'aborted', result: { stdout: '' } });
  });

  it('lets a write finish on an interrupt', async () => {
    const controller = new AbortController();
    const work = processes.run(node(`setTimeout(() => console.log('whole'), 200)`, { effect: 'write' }), {
      ...quiet,
      signal: controller.signal,
    });
    // The command has started by then, because it has no input to check.
    setImmediate(() => controller.abort());
    expect((await work).stdout).toBe('whole\n');
  });

  it('starts each command in its own process group, out of reach of the terminal', async () => {
    const { stdout } = await processes.run(
      { file: 'sh', args: ['-c', 'echo $$; ps -o pgid= -p $$'], effect: 'write' },
      quiet,
    );
    const [pid, group] = stdout.trim().split(/\s+/);
    expect(group).toBe(pid);
  });

  it('ends reads with their children on abort, and starts nothing later', async () => {
    const own = createProcesses(200);
    const interrupt = new AbortController();
    const context = { ...quiet, signal: interrupt.signal };
    const read = failureOf(own.run(parentAndChild(), context));
    const write = own.run(node(`setTimeout(() => console.log('whole'), 900)`, { effect: 'write' }), context);
    setTimeout(() => interrupt.abort(), 400);
    const error = await read;
    expect(error.failure).toBe('aborted');
    await expectEnded(pidsIn(error));
    expect((await failureOf(own.run(node('console.log(1)'), context))).failure).toBe('aborted');
    expect((await write).stdout).toBe('whole\n');
  });

  it('ends writes too with killAll', async () => {
    const own = createProcesses(200);
    const work = failureOf(own.run(parentAndChild({ effect: 'write' }), quiet));
    setTimeout(() => own.killAll(), 400);
    const error = await work;
    expect(error.failure).toBe('killed');
    await expectEnded(pidsIn(error));
  });
});
