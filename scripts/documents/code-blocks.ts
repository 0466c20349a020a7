/** A fenced block of a Markdown document. */
export interface CodeBlock {
  /** The info string of the opening fence, e.g. `sh`; empty without one. */
  readonly language: string;
  readonly content: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** Whether it is between the marks of generated text, which `npm run docs` writes. */
  readonly generated: boolean;
}

/** Every fenced block of a document, in order. */
export function codeBlocks(text: string): readonly CodeBlock[] {
  const found: CodeBlock[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  let generated = false;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (open !== undefined) {
      if (fence === null) open.lines.push(line);
      else {
        const { language, line: at, lines } = open;
        found.push({ language, content: lines.join('\n'), line: at, generated });
        open = undefined;
      }
    } else if (fence !== null) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else if (/^<!-- (generated|output|measured)\b/.test(line)) generated = true;
    else if (line === '<!-- end -->') generated = false;
  }
  return found;
}

/** Commands in documents that no test runs, each with the reason. */
const NOT_EXECUTED: readonly { readonly command: RegExp; readonly why: string }[] = [
  { command: /^npm ci$/, why: 'installs packages; the gate runs it on a clean clone' },
  { command: /^npm (test|run|install|link|pack)\b/, why: 'npm itself: builds, tests or installs this package' },
  { command: /^npx (vitest|tsx) /, why: 'the tests themselves' },
  { command: /^JITTER_MS=\d+ npm run/, why: 'the tests themselves' },
  { command: /^bash \.ci\/run$/, why: 'the gate itself' },
];

/** Programs whose commands are run by the tests of the documents. */
const EXECUTED = /^(istio-vms|npx istio-vms|kubectl|istioctl|multipass|cat|grep|echo|eval) /;

/** Blocks in other languages that are neither generated nor executed, each with the reason. */
export const WRITTEN_BY_HAND: readonly {
  readonly document: string;
  readonly contains: string;
  readonly why: string;
}[] = [
  { document: 'README.md', contains: 'subgraph host', why: 'a diagram of what the program creates' },
  { document: 'docs/architecture.md', contains: 'main.ts', why: 'a diagram of the folders' },
  { document: 'CONTRIBUTING.md', contains: 'src/main.ts', why: 'the list of folders' },
];

export interface BlockCommand {
  readonly line: string;
  /** Its here-document; empty without one. */
  readonly stdin: string;
}

/** The commands of a `sh` block that tests run. @throws Error for a command that is neither run nor in NOT_EXECUTED */
export function executableCommands(block: string): readonly BlockCommand[] {
  return commandsOf(block).flatMap(({ line, stdin }) => {
    const parts = line.split(' && ').filter((part) => !NOT_EXECUTED.some(({ command }) => command.test(part)));
    const unknown = parts.find((part) => !EXECUTED.test(part));
    if (unknown !== undefined) throw new Error(`no test runs this command: ${unknown}`);
    return parts.length === 0 ? [] : [{ line: parts.join(' && '), stdin }];
  });
}

/** Comments are left out; a here-document is the standard input of its command. */
function commandsOf(block: string): readonly BlockCommand[] {
  const lines = block.split('\n');
  const found: BlockCommand[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').replace(/(^| +)#.*$/, '').trim();
    const [whole, end] = / <<'?(\w+)'?$/.exec(line) ?? [];
    if (whole === undefined || end === undefined) {
      if (line !== '') found.push({ line, stdin: '' });
      continue;
    }
    const stop = lines.indexOf(end, at);
    found.push({ line: line.slice(0, -whole.length), stdin: `${lines.slice(at + 1, stop).join('\n')}\n` });
    at = stop;
  }
  return found;
}
