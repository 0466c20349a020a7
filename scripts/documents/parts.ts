import { readFile } from 'node:fs/promises';
import { configurationTable } from '../../src/config/documentation.ts';
import type { VersionTable } from '../../src/config/config.ts';
import { EXIT_MEANINGS } from '../../src/errors/reasons.ts';
import { FAULTS } from '../../src/rehearsal/faults.ts';
import { commandReference } from './command-reference.ts';
import { jsonReference } from './json-reference.ts';
import { printed } from './terminal.ts';

/** Functions that generate the part of a mark `<!-- generated: NAME -->`, by name. */
const PARTS: Readonly<Record<string, () => Promise<string> | string>> = {
  configuration: () => configurationTable().trimEnd(),
  commands: commandReference,
  json: jsonReference,
  'exit codes': () =>
    table(
      ['code', 'meaning'],
      EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
    ),
  faults: () =>
    table(
      ['`--fault`', 'what goes wrong'],
      FAULTS.map(({ name, what, engine }) => [
        `\`${name}\``,
        engine === undefined ? what : `${what} (MACHINE_ENGINE=${engine} only)`,
      ]),
    ),
  versions: async () => {
    const { istio } = JSON.parse(await readFile('data/versions.json', 'utf8')) as VersionTable;
    const rows = Object.entries(istio).map(([minor, row]) => [
      minor,
      row.lastPatch,
      row.k3s,
      row.endOfLife ? 'end-of-life' : 'supported',
    ]);
    return table(['Istio', 'last patch', 'default k3s', 'upstream'], rows);
  },
};

const cache = new Map<string, Promise<string>>();

/** The text of a generated part, which is cached; the part `$ istio-vms …` is the output of that command in a rehearsal. */
export function part(name: string): Promise<string> {
  const known = cache.get(name) ?? generatePart(name);
  cache.set(name, known);
  return known;
}

async function generatePart(name: string): Promise<string> {
  const command = /^\$ istio-vms (.*)$/.exec(name)?.[1];
  if (command !== undefined) return rehearsed(command);
  const generate = PARTS[name];
  if (generate === undefined) throw new Error(`There is no generated part named "${name}".`);
  return generate();
}

/** Lines that are in the output of every rehearsal, and are left out. */
const OMITTED = [/ {2}warning {2,}Istio 1\.19 is end-of-life/, / {2}Rehearsal: a simulated world\./, /^Rehearsed in /];

/** The result and the errors of a command in a rehearsal, without progress; a graph is a Mermaid block. */
async function rehearsed(command: string): Promise<string> {
  const text = await printed([...command.split(' '), '--rehearse', '--quiet']);
  const lines = text.split('\n').filter((line) => !OMITTED.some((pattern) => pattern.test(line)));
  const shown = lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .replace(/^\n+/, '')
    .trimEnd();
  return command.includes('--graph')
    ? `\`\`\`mermaid\n${shown}\n\`\`\``
    : `\`\`\`console\n$ istio-vms ${command} --rehearse\n${shown}\n\`\`\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
