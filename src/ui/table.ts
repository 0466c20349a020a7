import Table from 'cli-table3';
import { stripVTControlCharacters } from 'node:util';
import { hang, lengthOf, wrapText } from './wrap.ts';
import type { Style, Styles } from './styles.ts';

/** Text, or text with a style: it is wrapped first and then styled line by line. */
export type Cell = string | { readonly text: string; readonly paint: Style };

export interface TableOptions {
  readonly head?: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Columns of the terminal; 0 when there is none (a pipe), and nothing is wrapped. */
  readonly width: number;
  readonly paint: Styles;
}

const GAP = 2;
/** A narrower column is unreadable; then each row is printed as a list. */
const NARROWEST = 8;

/** A table without borders, never wider than the terminal. Pure. No trailing blanks; ends with a newline. */
export function renderTable({ head, rows, width, paint }: TableOptions): string {
  const heading = head === undefined ? [] : [head.map((text): Cell => ({ text, paint: paint.dim }))];
  const all = [...heading, ...rows];
  const natural = columnWidths(all);
  const fitted = fitWidths(natural, width);
  if (fitted === undefined) return asLists(head, rows, width, paint);
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(...all.map((row) => row.map((cell, place) => wrapped(cell, fitted[place] ?? 0))));
  return trimmed(table.toString());
}

function wrapped(cell: Cell, width: number): string {
  const { text, paint } = parts(cell);
  return wrapText(text, width)
    .map((line) => (line === '' ? '' : paint(line)))
    .join('\n');
}

/** Narrows the widest column until all fit; undefined when they cannot. */
function fitWidths(natural: readonly number[], width: number): readonly number[] | undefined {
  const room = width - 1 - GAP * (natural.length - 1);
  const fitted = [...natural];
  while (width > 0 && sum(fitted) > room) {
    const widest = fitted.indexOf(Math.max(...fitted));
    if ((fitted[widest] ?? 0) <= NARROWEST) return undefined;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}

function asLists(
  head: readonly string[] | undefined,
  rows: TableOptions['rows'],
  width: number,
  paint: Styles,
): string {
  const lists = rows.map((row) =>
    row.flatMap((cell, place) => {
      const { text, paint: style } = parts(cell);
      const title = place === 0 ? '' : `  ${head?.[place] === undefined ? '' : `${head[place]}: `}`;
      if (text === '') return [];
      const [first = '', ...rest] = hang(title, text, width - 1);
      const own = title === '' ? paint.bold(style(first)) : `${paint.dim(title)}${style(first.slice(title.length))}`;
      return [own, ...rest.map(style)];
    }),
  );
  return `${lists.flat().join('\n')}\n`;
}

function columnWidths(rows: TableOptions['rows']): readonly number[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widthOf = (cell: Cell | undefined): number =>
    Math.max(0, ...(cell === undefined ? '' : parts(cell).text).split('\n').map(lengthOf));
  return Array.from({ length: count }, (_, place) => Math.max(1, ...rows.map((row) => widthOf(row[place]))));
}

function parts(cell: Cell): { readonly text: string; readonly paint: Style } {
  const plain = typeof cell === 'string' ? { text: cell, paint: (text: string) => text } : cell;
  // Control characters in external text must not move the cursor.
  return { ...plain, text: stripVTControlCharacters(plain.text) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function trimmed(text: string): string {
  return `${text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};
