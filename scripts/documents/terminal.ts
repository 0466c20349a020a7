import { quiet } from '../../test/support/context.ts';
import { posix } from 'node:path';
import { Writable } from 'node:stream';
import { run as runCli } from '../../src/cli.ts';
import type { Invocation, Output } from '../../src/invocation.ts';
import { createMesh } from '../../src/rehearsal/mesh/index.ts';
import { createRehearsal } from '../../src/rehearsal/index.ts';
import { createProcesses } from '../../src/rehearsal/processes.ts';
import { CommandError } from '../../src/system/command-error.ts';
import type { RealSystem } from '../../src/system/index.ts';
import { loadShippedData } from '../../src/system/shipped.ts';
import type { BlockCommand } from './code-blocks.ts';
import { USER_PROGRAMS } from './user-programs.ts';

const CWD = '/home/you/lab';

/** Collects the output to a terminal. */
class OutputBuffer extends Writable {
  text = '';
  readonly isTTY = false;
  readonly columns = 100;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

/** A terminal on a simulated computer, whose state is kept between commands. */
export interface Terminal {
  /** Runs commands one after another. @returns their output @throws when the simulated world refuses a command */
  readonly type: (commands: readonly BlockCommand[]) => Promise<string>;
}

/** An invocation that does not depend on this computer. */
export function fixedInvocation(argv: readonly string[], output: Writable = new OutputBuffer()): Invocation {
  return {
    argv,
    env: { HOME: '/home/you' },
    cwd: CWD,
    platform: 'linux',
    arch: 'x64',
    pid: 1,
    stdout: output as unknown as Output,
    stderr: output as unknown as Output,
    onSignal: () => undefined,
    exit: () => undefined,
  };
}

/** The output of one run of `istio-vms`, with the system interfaces of a simulated computer or in a rehearsal. */
export async function printed(argv: readonly string[], system?: RealSystem): Promise<string> {
  const buffer = new OutputBuffer();
  await runCli({ ...fixedInvocation(argv, buffer), ...(system === undefined ? {} : { system }) });
  return buffer.text;
}

/** Creates a simulated computer with the programs that the documents use. */
export async function createTerminal(): Promise<Terminal> {
  const host = { platform: 'linux', cpu: 'amd64', cwd: CWD, home: '/home/you', env: {} } as const;
  const rehearsal = createRehearsal({ host, shipped: await loadShippedData() });
  const { world, files, system } = rehearsal;
  const processes = createProcesses({ world, mesh: createMesh(world), files, programs: USER_PROGRAMS });
  const real = { ...system, processes, killAll: () => processes.killAll() };
  let env: Readonly<Record<string, string>> = {};

  const runLine = async (line: string, stdin: string): Promise<string> => {
    if (line === 'eval "$(istio-vms env)"') {
      env = { KUBECONFIG: posix.join(CWD, '.data/.kubeconfig') };
      return '';
    }
    const append = /^echo '?([^']*?)'? >> (\S+)$/.exec(line);
    if (append !== null) {
      await files.append(posix.resolve(CWD, append[2] ?? ''), `${append[1] ?? ''}\n`);
      return '';
    }
    const [name = '', ...args] = words(line);
    if (name === 'istio-vms') return printed(args, real);
    if (name === 'cat') return (await files.readText(posix.resolve(CWD, args[0] ?? ''))) ?? '';
    if (name === 'grep') {
      const lines = ((await files.readText(posix.resolve(CWD, args[1] ?? ''))) ?? '').split('\n');
      return lines
        .filter((text) => text.includes(args[0] ?? ''))
        .map((text) => `${text}\n`)
        .join('');
    }
    const file = name === 'istioctl' ? posix.join(CWD, '.bin/istioctl') : name;
    try {
      const { stdout, stderr } = await processes.run({ file, args, stdin, env, effect: 'write' }, quiet);
      return stdout + stderr;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return error.result.stdout + error.result.stderr;
    }
  };

  return {
    type: async (commands) => {
      const texts: string[] = [];
      for (const { line, stdin } of commands) {
        const text = await rehearsal.drive(() => runLine(line, stdin));
        texts.push(text === '' || text.endsWith('\n') ? text : `${text}\n`);
        if (world.refused.length > 0)
          throw new Error(`${line}: the simulated world refused ${world.refused.join('; ')}`);
      }
      return texts.join('').trimEnd();
    },
  };
}

/** Splits a plain command line into words, with support for quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}
