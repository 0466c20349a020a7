import { readFile } from 'node:fs/promises';
import { runEnvExample } from '../src/config/example.ts';
import { configurationTable } from '../src/config/table.ts';
import type { VersionTable } from '../src/config/config.ts';
import { EXIT_MEANINGS } from '../src/errors/reasons.ts';
import { FAULTS } from '../src/rehearsal/faults.ts';
import { seenInRehearsal } from './rehearsed.ts';

/** Files that are made, or have parts that are made: path → new text out of the text that is there. */
export const generatedFiles: Readonly<Record<string, (before: string) => Promise<string>>> = {
  'run.env.example': () => Promise.resolve(runEnvExample()),
  'README.md': (before) => fillMarks(before),
};

/** `<!-- made: NAME -->` … `<!-- end -->`; a command is `$ istio-vms …`, or `$+ istio-vms …` with its story. */
const MARK = /<!-- made: (.+?) -->\n[\s\S]*?<!-- end -->/g;

const PARTS: Readonly<Record<string, () => Promise<string>>> = {
  configuration: () => Promise.resolve(configurationTable().trimEnd()),
  'exit codes': () =>
    Promise.resolve(
      table(
        ['code', 'meaning'],
        EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
      ),
    ),
  faults: () =>
    Promise.resolve(
      table(
        ['`--fault`', 'what goes wrong'],
        FAULTS.map(({ name, what }) => [`\`${name}\``, what]),
      ),
    ),
  versions: async () => {
    const { istio } = JSON.parse(await readFile('data/versions.json', 'utf8')) as VersionTable;
    const rows = Object.entries(istio).map(([minor, row]) => [
      minor,
      row.lastPatch,
      row.k3s,
      row.endOfLife ? 'no longer' : 'yes',
    ]);
    return table(['Istio', 'last patch', 'k3s by default', 'gets fixes'], rows);
  },
};

async function fillMarks(text: string): Promise<string> {
  const parts = await Promise.all(
    [...text.matchAll(MARK)].map(
      async ([whole, name = '']) => [whole, `<!-- made: ${name} -->\n${await part(name)}\n<!-- end -->`] as const,
    ),
  );
  return parts.reduce((before, [whole, made]) => before.replace(whole, () => made), text);
}

async function part(name: string): Promise<string> {
  const command = /^\$(\+?) (.*)$/.exec(name);
  if (command?.[2] !== undefined) return seenInRehearsal(command[2], command[1] === '+');
  const make = PARTS[name];
  if (make === undefined) throw new Error(`README.md asks for "${name}", which nobody makes.`);
  return make();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
