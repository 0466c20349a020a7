import { runEnvExample } from '../../src/config/documentation.ts';
import { executableCommands } from './code-blocks.ts';
import { jsonSchemaFile } from './json-reference.ts';
import { part } from './parts.ts';
import { recordUp } from './recording.ts';
import { recordingSvg, THEMES } from './svg.ts';
import { createTerminal } from './terminal.ts';

const fill = async (before: string): Promise<string> => withOutputs(await withParts(before));

/** Files that are fully or partly generated, by path, each with a function from the current text to the new one. */
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

/** Both color themes use one recording. */
async function recordedUp(theme: keyof typeof THEMES): Promise<string> {
  recording ??= recordUp();
  return recordingSvg(await recording, THEMES[theme], 'istio-vms up --rehearse: all steps, then all checks');
}

const PART = /<!-- generated: (.+?) -->\n[\s\S]*?<!-- end -->/g;

/** Replaces the parts between `<!-- generated: NAME -->` and `<!-- end -->`. */
async function withParts(text: string): Promise<string> {
  let filled = text;
  for (const [whole, name = ''] of text.matchAll(PART)) {
    const content = await part(name);
    filled = filled.replace(whole, () => `<!-- generated: ${name} -->\n${content}\n<!-- end -->`);
  }
  return filled;
}

const OUTPUT = /```sh\n((?:(?!```)[\s\S])*?)\n```\n(\n<!-- output -->\n[\s\S]*?<!-- end -->)?/g;

/**
 * Replaces the parts between `<!-- output -->` and `<!-- end -->` with the output of the preceding `sh` block. All blocks
 * of a document run in one simulated terminal, because later commands depend on earlier ones. Blocks with `--rehearse`
 * and without an output part are skipped, since a rehearsal changes nothing.
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
