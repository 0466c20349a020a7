import { createHash } from 'node:crypto';
import { runOnGuest } from '../../src/rehearsal/guest/shell.ts';
import type { GuestCall, Instance, ProgramResult, World } from '../../src/rehearsal/world.ts';

/**
 * Common programs that tests run on a machine. Each supports only a few arguments, and returns `undefined` for any
 * other.
 */
type Program = (call: GuestCall) => Promise<ProgramResult | undefined>;

interface Running {
  readonly line: string;
  readonly boot: string;
}

/** Programs that are running on a machine. A restart ends all of them. */
const running = new WeakMap<Instance, Set<Running>>();

const echo: Program = async ({ args }) => ({ exitCode: 0, stdout: `${args.slice(1).join(' ')}\n` });

/** Applies the format once per argument; `%s` is the only conversion. */
const printf: Program = async ({ args }) => {
  const [, format = '', ...words] = args;
  if (/[%\\]/.test(format.replace('%s', ''))) return undefined;
  return { exitCode: 0, stdout: words.map((word) => format.split('%s').join(word)).join('') };
};

const printenv: Program = async ({ args, env = {} }) => {
  const value = env[args[1] ?? ''];
  return value === undefined ? { exitCode: 1 } : { exitCode: 0, stdout: `${value}\n` };
};

const sha256sum: Program = async ({ args, stdin }) => {
  if (args.length > 1) return undefined;
  return { exitCode: 0, stdout: `${createHash('sha256').update(stdin).digest('hex')}  -\n` };
};

const sleep: Program = async ({ args, instance, world, ended }) => {
  const seconds = Number(args[1]);
  if (args.length !== 2 || Number.isNaN(seconds)) return undefined;
  const all = running.get(instance) ?? new Set();
  running.set(instance, all);
  const self = { line: args.join(' '), boot: instance.bootId };
  all.add(self);
  const killed = await world.clock.sleep(seconds * 1000, ended).then(
    () => false,
    () => true,
  );
  all.delete(self);
  return { exitCode: killed ? 143 : 0 };
};

const pgrep: Program = async ({ args, instance }) => {
  const [, flag, pattern = ''] = args;
  if (flag !== '-f' || args.length !== 3) return undefined;
  const found = [...(running.get(instance) ?? [])].filter(
    ({ line, boot }) => boot === instance.bootId && new RegExp(pattern).test(line),
  );
  return { exitCode: found.length > 0 ? 0 : 1, stdout: found.map((_, index) => `${1000 + index}\n`).join('') };
};

/** Installs these programs on the machines of a world. */
export function installEverydayPrograms({ guestPrograms }: World): void {
  for (const [name, program] of Object.entries({ echo, printf, printenv, sha256sum, sleep, pgrep, sh })) {
    guestPrograms.set(name, async (call) => (await program(call)) ?? notSupported(call));
  }
}

function notSupported({ args }: GuestCall): ProgramResult {
  const text = args.join(' ');
  return { exitCode: 127, stderr: `${text}: not supported in this test\n`, refused: text };
}

/**
 * `sh -c` with plain commands one after another, optionally redirected to stderr, and `exit`. Undefined for anything
 * else, such as quotes, variables and conditions.
 */
async function sh(call: GuestCall): Promise<ProgramResult | undefined> {
  const [, flag, line = ''] = call.args;
  if (flag !== '-c') return undefined;
  if (!/^[\w ./;>&-]+$/.test(line)) return undefined;
  const output = { stdout: '', stderr: '' };
  let exitCode = 0;
  for (const part of line.split(';').map((each) => each.trim())) {
    const { words = '', redirect } = /^(?<words>[\w ./-]+?)(?<redirect> >&2)?$/.exec(part)?.groups ?? {};
    const args = words.split(/ +/);
    if (words === '') return undefined;
    if (args[0] === 'exit') return { ...output, exitCode: Number(args[1] ?? exitCode) };
    const result = await runOnGuest({ ...call, args });
    if (call.ended?.aborted === true) return { ...output, exitCode: 143 };
    const stdout = Buffer.from((result.stdout ?? '') as Uint8Array).toString('utf8');
    output[redirect === undefined ? 'stdout' : 'stderr'] += stdout;
    output.stderr += result.stderr ?? '';
    exitCode = result.exitCode;
    if (result.refused !== undefined) return { ...output, exitCode, refused: result.refused };
  }
  return { ...output, exitCode };
}
