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

/** Collects what would go to a terminal. */
class Paper extends Writable {
  text = '';
  readonly isTTY = false;
  readonly columns = 100;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

/** A terminal on a simulated computer on which every command finds what the commands before it left. */
export interface Terminal {
  /** Runs commands one after another. @returns what they printed @throws when the world refuses something */
  readonly type: (commands: readonly BlockCommand[]) => Promise<string>;
}

/** The edge of a process on a computer that is the same everywhere: nothing of this one goes in. */
export function edgeOf(argv: readonly string[], output: Writable = new Paper()): Invocation {
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

/** What `istio-vms` prints when it runs once, over the system interfaces of a simulated computer or in a rehearsal. */
export async function printed(argv: readonly string[], system?: RealSystem): Promise<string> {
  const paper = new Paper();
  await runCli({ ...edgeOf(argv, paper), ...(system === undefined ? {} : { system }) });
  return paper.text;
}

/** A fresh simulated computer with the programs that documents tell people to type. */
export async function createTerminal(): Promise<Terminal> {
  const host = { platform: 'linux', cpu: 'amd64', cwd: CWD, home: '/home/you', env: {} } as const;
  const rehearsal = createRehearsal({ host, shipped: await loadShippedData() });
  const { world, files, system } = rehearsal;
  const processes = createProcesses({ world, mesh: createMesh(world), files, programs: USER_PROGRAMS });
  const real = { ...system, processes, killAll: () => processes.killAll() };
  let env: Readonly<Record<string, string>> = {};

  const one = async (line: string, stdin: string): Promise<string> => {
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
        const text = await rehearsal.drive(() => one(line, stdin));
        texts.push(text === '' || text.endsWith('\n') ? text : `${text}\n`);
        if (world.refused.length > 0)
          throw new Error(`${line}: the simulated world refused ${world.refused.join('; ')}`);
      }
      return texts.join('').trimEnd();
    },
  };
}

/** Words of a plain command line; quotes keep blanks together. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}
