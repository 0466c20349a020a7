import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { normalise, shortened } from './normalise.ts';
import { writeRecording } from './recorder.ts';

const BEGIN = /^(\d{4}-\d\d-\d\d)T\S+ {2}#(\d+) (?:read|write)(?: \(\S+\))? \$ (incus .*)$/;
const END = /^\S+ {2}#(\d+) (?:exit|incus ended with exit code) (\d+) after /;
const OUTPUT = /^ {4}([|!])(?: (.*))?$/;

interface Begun {
  readonly recordedAt: string;
  readonly line: string;
}

/** Writes one recording of each form of `incus` that the logs of a run hold (src/ui/log.ts), `exec` excepted. */
export async function recordIncusLogs(directory: string, target: string): Promise<number> {
  const written = new Set<string>();
  for (const file of (await readdir(directory)).filter((name) => name.endsWith('.log')).sort()) {
    const lines = (await readFile(join(directory, file), 'utf8')).split('\n');
    const begun = new Map<string, Begun>();
    for (const [index, line] of lines.entries()) {
      const [, recordedAt = '', number = '', command = ''] = BEGIN.exec(line) ?? [];
      if (command !== '') begun.set(number, { recordedAt, line: command });
      const [, ended = '', exitCode = ''] = END.exec(line) ?? [];
      const one = begun.get(ended);
      if (one === undefined) continue;
      begun.delete(ended);
      const argv = argvOf(one.line);
      const name = nameOf(argv, exitCode);
      const { stdout, stderr } = outputAfter(lines, index + 1);
      // What the log has shortened is no recording; a script on a machine is ours and not Incus'.
      if (argv[1] === 'exec' || written.has(name) || /-v keeps the whole\)$/m.test(stdout)) continue;
      if (argv[1] === 'list' && !stdout.includes('"inet"')) continue;
      written.add(name);
      await writeRecording(join(target, 'incus-6.0'), name, {
        recordedAt: one.recordedAt,
        argv,
        exitCode: Number(exitCode),
        stdout: shortened(normalise(stdout, directory)),
        stderr: normalise(stderr, directory),
      });
    }
  }
  return written.size;
}

/** The log quotes for a shell; but for `exec`, what Incus is given holds no quote of its own. */
const argvOf = (line: string): string[] =>
  line
    .replace(/ {2}\(stdin: .*\)$/, '')
    .split(' ')
    .map((word) => word.replace(/^'(.*)'$/, '$1'));

/** `incus query … /1.0/networks/NAME/state` → `query-networks-state`. */
function nameOf(argv: readonly string[], exitCode: string): string {
  const [, verb = '', ...rest] = argv;
  const path = rest.find((word) => word.startsWith('/1.0')) ?? '';
  const parts = path.replace(/\?.*$/, '').split('/').slice(2);
  const kinds = parts.filter((part) =>
    ['networks', 'state', 'profiles', 'images', 'aliases', 'cluster'].includes(part),
  );
  const sub = rest.filter((word) => ['unset', 'set'].includes(word));
  return [
    verb,
    ...(path === '' ? sub : kinds.length === 0 ? ['server'] : kinds),
    ...(exitCode === '0' ? [] : ['fails']),
  ].join('-');
}

function outputAfter(lines: readonly string[], from: number): { stdout: string; stderr: string } {
  const streams = { '|': '', '!': '' };
  for (let index = from; ; index++) {
    const [, label, text = ''] = OUTPUT.exec(lines[index] ?? '') ?? [];
    if (label === undefined) break;
    streams[label as '|' | '!'] += `${text}\n`;
  }
  return { stdout: streams['|'], stderr: streams['!'] };
}
