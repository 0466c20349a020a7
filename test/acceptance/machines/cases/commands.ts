import { quiet } from '../../../support/context.ts';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytes, failureOf } from '../bench.ts';
import type { Subject } from '../conformance.ts';

const AT_ONCE = 8;
const MANY = 10 * 1024 * 1024;

/** Input, output and exit code of commands on a machine. */
export function commandCases({ bench, machine }: Subject): void {
  describe('exit codes', () => {
    // Runs several at once because 256 sessions in sequence take too long.
    it('are returned unchanged from 0 to 255, including 4, with all output', async () => {
      const codes = Array.from({ length: 256 }, (_, code) => code);
      const ended = async (code: number): Promise<string> => {
        const args = ['-c', `echo out; echo err >&2; exit ${code}`];
        const run = machine().run({ file: 'sh', args, effect: 'write' }, quiet);
        const { failure, result } = code === 0 ? { failure: 'exit', result: await run } : await failureOf(run);
        expect(failure).toBe('exit');
        return `${result.exitCode} ${result.stdout}${result.stderr}`;
      };
      await bench().drive(async () => {
        const found: string[] = [];
        for (let at = 0; at < codes.length; at += AT_ONCE) {
          found.push(...(await Promise.all(codes.slice(at, at + AT_ONCE).map(ended))));
        }
        expect(found).toEqual(codes.map((code) => `${code} out\nerr\n`));
      });
    });

    it('are 127 for a program that does not exist', async () => {
      const run = (): Promise<unknown> => machine().run({ file: 'no-such-program', args: [], effect: 'read' }, quiet);
      await bench().drive(() => expect(run()).rejects.toMatchObject({ failure: 'exit', result: { exitCode: 127 } }));
    });
  });

  it('keeps stdout and stderr apart', async () => {
    const command = { file: 'sh', args: ['-c', 'echo out; echo err >&2; exit 33'], effect: 'write' } as const;
    const { result } = await bench().drive(() => failureOf(machine().run(command, quiet)));
    expect(result).toMatchObject({ exitCode: 33, stdout: 'out\n', stderr: 'err\n' });
  });

  it('passes standard input, or end of input when there is none', async () => {
    await bench().drive(async () => {
      const cat = { file: 'cat', args: [], effect: 'read' } as const;
      expect((await machine().run({ ...cat, stdin: 'a b\nc' }, quiet)).stdout).toBe('a b\nc');
      expect((await machine().run(cat, quiet)).stdout).toBe('');
    });
  });

  it('transfers 10 MiB of arbitrary bytes in both directions', async () => {
    const sent = bytes(1, MANY);
    await bench().drive(async () => {
      const { stdout } = await machine().run({ file: 'sha256sum', args: [], effect: 'read', stdin: sent }, quiet);
      expect(stdout).toBe(`${createHash('sha256').update(sent).digest('hex')}  -\n`);
      const { stdoutBytes } = await machine().run({ file: 'cat', args: [], effect: 'read', stdin: sent }, quiet);
      expect(Buffer.compare(stdoutBytes, sent)).toBe(0);
    });
  });

  it('keeps output that looks like a progress line unchanged', async () => {
    const progressLike = '\u001b[2KStarting k1  \b|\u001b[2K\u001b[0A\u001b[0E\u001erest\r\n';
    const { stdout } = await bench().drive(() =>
      machine().run({ file: 'cat', args: [], effect: 'read', stdin: progressLike }, quiet),
    );
    expect(stdout).toBe(progressLike);
  });

  it('passes every argument unchanged', async () => {
    const words = [
      ...['a b', '', '  ', "it's", '"quoted"', '$HOME', '`id`', '$(id)', 'two\nlines\n', 'tab\there', 'back\\slash\\'],
      ...['-n', '--', '-c', '*', '~', '!x', '#no', 'a;b', 'a&b', 'a|b', '<in', '>out', '%s', 'ünï ☃ 𝒳', '\r', '\u0001'],
    ];
    const { stdout } = await bench().drive(() =>
      machine().run({ file: 'printf', args: ['[%s]', ...words], effect: 'read' }, quiet),
    );
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('passes the requested environment', async () => {
    const { stdout } = await bench().drive(() =>
      machine().run(
        { file: 'printenv', args: ['GREETING'], effect: 'read', env: { GREETING: "hello, it's $HOME" } },
        quiet,
      ),
    );
    expect(stdout).toBe("hello, it's $HOME\n");
  });

  it('keeps the output of eight concurrent commands apart', async () => {
    const sent = Array.from({ length: AT_ONCE }, (_, index) => bytes(index + 10, 200_000));
    const got = await bench().drive(() =>
      Promise.all(sent.map((stdin) => machine().run({ file: 'cat', args: [], effect: 'read', stdin }, quiet))),
    );
    expect(got.map(({ stdoutBytes }, index) => Buffer.compare(stdoutBytes, sent[index] ?? Buffer.alloc(0)))).toEqual(
      sent.map(() => 0),
    );
  });
}
