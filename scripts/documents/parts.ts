import { readFile } from 'node:fs/promises';
import { configurationTable } from '../../src/config/documentation.ts';
import type { VersionTable } from '../../src/config/config.ts';
import { EXIT_MEANINGS } from '../../src/errors/reasons.ts';
import { FAULTS } from '../../src/rehearsal/faults.ts';
import { commandReference } from './command-reference.ts';
import { jsonReference } from './json-reference.ts';
import { printed } from './terminal.ts';

/** What a mark `<!-- generated: NAME -->` stands for. */
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

const made = new Map<string, Promise<string>>();

/** The text of a generated part, made once; `$ istio-vms …` is what that command prints in a rehearsal. */
export function part(name: string): Promise<string> {
  const known = made.get(name) ?? makePart(name);
  made.set(name, known);
  return known;
}

async function makePart(name: string): Promise<string> {
  const command = /^\$ istio-vms (.*)$/.exec(name)?.[1];
  if (command !== undefined) return rehearsed(command);
  const make = PARTS[name];
  if (make === undefined) throw new Error(`A document asks for the generated part "${name}", which does not exist.`);
  return make();
}

/** Lines that every rehearsal begins or ends with. */
const ALWAYS = [/ {2}warning {2,}Istio 1\.19 is end-of-life/, / {2}Rehearsal: a simulated world\./, /^Rehearsed in /];

/** A command's result and errors in a rehearsal, without the progress; a graph as Mermaid. */
async function rehearsed(command: string): Promise<string> {
  const text = await printed([...command.split(' '), '--rehearse', '--quiet']);
  const lines = text.split('\n').filter((line) => !ALWAYS.some((always) => always.test(line)));
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
