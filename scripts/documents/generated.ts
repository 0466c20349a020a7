import { runEnvExample } from '../../src/config/documentation.ts';
import { executableCommands } from './code-blocks.ts';
import { jsonSchemaFile } from './json-reference.ts';
import { part } from './parts.ts';
import { recordUp } from './recording.ts';
import { recordingSvg, THEMES } from './svg.ts';
import { createTerminal } from './terminal.ts';

const fill = async (before: string): Promise<string> => withOutputs(await withParts(before));

/** Files that are generated, or have parts that are: path → new text from the text that is there. */
export const generatedFiles: Readonly<Record<string, (before: string) => Promise<string>>> = {
  'run.env.example': () => Promise.resolve(runEnvExample()),
  'README.md': fill,
  'docs/commands.md': fill,
  'docs/configuration.md': fill,
  'docs/rehearsal.md': fill,
  'docs/troubleshooting.md': fill,
  'docs/walk-through.md': fill,
  'docs/architecture.md': fill,
  'docs/json-output.md': fill,
  'docs/json-output.schema.json': () => Promise.resolve(jsonSchemaFile()),
  'docs/up-light.svg': () => recordedUp('light'),
  'docs/up-dark.svg': () => recordedUp('dark'),
};

let recording: ReturnType<typeof recordUp> | undefined;

/** One recording for both colors. */
async function recordedUp(theme: keyof typeof THEMES): Promise<string> {
  recording ??= recordUp();
  return recordingSvg(await recording, THEMES[theme], 'istio-vms up --rehearse: all steps, then all checks');
}

const PART = /<!-- generated: (.+?) -->\n[\s\S]*?<!-- end -->/g;

/** `<!-- generated: NAME -->` … `<!-- end -->`: parts made from the program. */
async function withParts(text: string): Promise<string> {
  let filled = text;
  for (const [whole, name = ''] of text.matchAll(PART)) {
    const made = await part(name);
    filled = filled.replace(whole, () => `<!-- generated: ${name} -->\n${made}\n<!-- end -->`);
  }
  return filled;
}

const OUTPUT = /```sh\n((?:(?!```)[\s\S])*?)\n```\n(\n<!-- output -->\n[\s\S]*?<!-- end -->)?/g;

/**
 * `<!-- output -->` … `<!-- end -->`: what the `sh` block before it prints. All blocks of a document are typed into one
 * simulated terminal, so each command finds what the blocks before it left. Rehearsals leave nothing, and are not repeated.
 */
async function withOutputs(text: string): Promise<string> {
  if (!text.includes('<!-- output -->')) return text;
  const terminal = await createTerminal();
  const last = text.lastIndexOf('<!-- output -->');
  let filled = text;
  for (const found of text.matchAll(OUTPUT)) {
    const [whole, block = '', output] = found;
    if (found.index > last) break;
    if (output === undefined && block.includes('--rehearse')) continue;
    const printed = await terminal.type(executableCommands(block));
    if (output === undefined) continue;
    const after = `${whole.slice(0, -output.length)}\n<!-- output -->\n\`\`\`console\n${printed}\n\`\`\`\n<!-- end -->`;
    filled = filled.replace(whole, () => after);
  }
  return filled;
}
