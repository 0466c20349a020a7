import { Writable } from 'node:stream';
import { run } from '../src/cli.ts';
import type { Output } from '../src/invocation.ts';

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

/** Lines that every rehearsal begins or ends with: the README says them once. */
const ALWAYS = [/ {2}warning {2,}Istio 1\.19 is end-of-life/, / {2}Rehearsal: a simulated world\./, /^Rehearsed in /];

/**
 * What a command prints in the rehearsal, as a fenced block; a graph as Mermaid. The same on every computer: nothing of
 * this one goes in, and time is simulated.
 * @param shown the command as people type it, without `--rehearse`
 * @param story with the lines on the way, not the answer alone
 */
export async function seenInRehearsal(shown: string, story: boolean): Promise<string> {
  const [, ...argv] = shown.split(' ');
  const paper = new Paper();
  await run({
    argv: [...argv, '--rehearse', ...(story ? [] : ['--quiet'])],
    env: { HOME: '/home/you' },
    cwd: '/home/you/lab',
    platform: 'linux',
    arch: 'x64',
    pid: 1,
    stdout: paper as unknown as Output,
    stderr: paper as unknown as Output,
    onSignal: () => undefined,
    exit: () => undefined,
  });
  const lines = paper.text.split('\n').filter((line) => !ALWAYS.some((always) => always.test(line)));
  const text = lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    // Not the blanks of the first line: a table may begin there.
    .replace(/^\n+/, '')
    .trimEnd();
  return shown.includes('--graph') ? `\`\`\`mermaid\n${text}\n\`\`\`` : `\`\`\`console\n$ ${shown}\n${text}\n\`\`\``;
}
