import { lengthOf } from '../../src/ui/wrap.ts';
import { COLUMNS, ROWS, type RecordedFrame } from './recording.ts';

/** Colors of a terminal. */
export interface Theme {
  readonly background: string;
  readonly text: string;
  readonly dim: string;
  readonly green: string;
  readonly red: string;
  readonly yellow: string;
  readonly cyan: string;
}

export const THEMES = {
  light: {
    background: '#f6f8fa',
    text: '#1f2328',
    dim: '#59636e',
    green: '#116329',
    red: '#a40e26',
    yellow: '#7d4e00',
    cyan: '#0550ae',
  },
  dark: {
    background: '#0d1117',
    text: '#e6edf3',
    dim: '#9198a1',
    green: '#3fb950',
    red: '#ff7b72',
    yellow: '#d29922',
    cyan: '#79c0ff',
  },
} as const satisfies Record<string, Theme>;

/** Width of a column and height of a line, in pixels, at a font size of 14. */
const COLUMN = 8.4;
const LINE = 19;
const MARGIN = 16;
const WIDTH = Math.round(COLUMNS * COLUMN) + 2 * MARGIN;
const HEIGHT = ROWS * LINE + 2 * MARGIN;

/**
 * A recording as one SVG without scripts: its frames are stacked vertically, and a CSS animation moves the stack from
 * frame to frame. Without animation (reduced motion, a viewer without CSS), the last frame is shown.
 */
export function recordingSvg(frames: readonly RecordedFrame[], theme: Theme, title: string): string {
  const ids = new Map<string, string>();
  const idOf = (line: string): string => {
    const id = ids.get(line) ?? `l${ids.size.toString(36)}`;
    ids.set(line, id);
    return id;
  };
  const strip = frames.map(
    ({ lines }, frame) =>
      `<g transform="translate(0 ${frame * HEIGHT})">${lines
        .map((line, row) => (line === '' ? '' : `<use href="#${idOf(line)}" y="${MARGIN + (row + 1) * LINE - 5}"/>`))
        .join('')}</g>`,
  );
  const total = frames.reduce((sum, { ms }) => sum + ms, 0);
  const last = (frames.length - 1) * HEIGHT;
  let at = 0;
  const keyframes = frames.map(({ ms }, frame) => {
    const percent = ((at / total) * 100).toFixed(3);
    at += ms;
    return `${percent}%{transform:translateY(-${frame * HEIGHT}px)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escaped(title)}</title>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:${theme.text}}
.b{font-weight:bold}.d{fill:${theme.dim}}.g{fill:${theme.green}}.r{fill:${theme.red}}.y{fill:${theme.yellow}}.c{fill:${theme.cyan}}
.strip{transform:translateY(-${last}px);animation:play ${total}ms steps(1,end) infinite}
@media (prefers-reduced-motion:reduce){.strip{animation:none}}
@keyframes play{${keyframes.join('')}100%{transform:translateY(-${last}px)}}
</style>
<defs>
${[...ids].map(([line, id]) => `<text id="${id}" x="${MARGIN}">${spans(line)}</text>`).join('\n')}
</defs>
<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="${theme.background}"/>
<g class="strip" transform="translate(0 -${last})">
${strip.join('\n')}
</g>
</svg>
`;
}

const CLASSES: Readonly<Record<string, string>> = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 36: 'c' };

/** A line with ANSI codes as spans, each placed at its column, so that alignment does not depend on the font. */
function spans(line: string): string {
  let column = 0;
  let style = '';
  const found: string[] = [];
  for (const part of line.split(/(\x1b\[\d+m)/)) {
    const code = /^\x1b\[(\d+)m$/.exec(part)?.[1];
    if (code !== undefined) {
      // The codes 22 (end of bold and dim), 39 (end of color) and 0 reset the style, because styles are never nested.
      style = CLASSES[code] ?? '';
      continue;
    }
    for (const { text, offset } of words(part)) {
      const x = (MARGIN + (column + offset) * COLUMN).toFixed(1).replace(/\.0$/, '');
      found.push(`<tspan x="${x}"${style === '' ? '' : ` class="${style}"`}>${escaped(text)}</tspan>`);
    }
    column += lengthOf(part);
  }
  return found.join('');
}

/** Text between runs of two or more blanks, with its column, so that the columns of tables stay aligned. */
function words(part: string): readonly { readonly text: string; readonly offset: number }[] {
  return [...part.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
    text: match[0],
    offset: lengthOf(part.slice(0, match.index)),
  }));
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
