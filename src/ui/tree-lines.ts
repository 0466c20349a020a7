import type { RunEvent } from '../plan/events.ts';
import { counted, duration } from '../plan/text.ts';
import { cutText, lengthOf, wrapText } from './wrap.ts';
import { deletedText } from './plain.ts';
import type { CheckEvent } from './reporter.ts';
import type { Style, Styles } from './styles.ts';

type State =
  'waiting' | 'queued' | 'running' | 'ready' | 'changed' | 'passed' | 'skipped' | 'failed' | 'interrupted' | 'left';

/** What the tree shows: the steps of a run, or the checks of `verify`. */
export type TreeEvent = RunEvent | CheckEvent;

interface Row {
  readonly title: string;
  readonly state: State;
  readonly said?: string;
  /** Why it failed. */
  readonly why?: string;
  readonly startedAt?: number;
  readonly ms?: number;
  /** What was removed, when that is less than the title says. */
  readonly removed?: string;
}

/** Its rows in the order of the plan. */
export interface Tree {
  readonly rowsAre: 'step' | 'check';
  readonly direction: 'apply' | 'remove';
  readonly over: boolean;
  readonly rows: ReadonlyMap<string, Row>;
}

export interface Frame {
  readonly columns: number;
  /**
   * Lines of the terminal while the tree is updated: rows that do not fit are summarized as counts. Absent for the
   * final state.
   */
  readonly rows?: number;
  /** A message below the tree. */
  readonly note?: string;
  readonly now: number;
  readonly spinner: string;
  readonly paint: Styles;
}

/** The minimum width of titles and messages; messages with less room are hidden. */
const MIN_TITLE = 8;
const MIN_MESSAGE = 6;

/** The tree after one more event. Pure; other events change nothing. */
export function updateTree(tree: Tree, event: TreeEvent): Tree {
  switch (event.type) {
    case 'run-started': {
      const rows = event.steps.map(({ id, title }) => [id, { title, state: 'waiting' }] as const);
      return { rowsAre: 'step', direction: event.direction, over: false, rows: new Map(rows) };
    }
    case 'checks-started': {
      const rows = event.checks.map(({ id, title }) => [id, { title, state: 'waiting' }] as const);
      return { rowsAre: 'check', direction: 'apply', over: false, rows: new Map(rows) };
    }
    case 'step-queued':
      return tree;
    case 'step-started':
    case 'check-started':
      return change(tree, event.id, { state: 'running', startedAt: event.at });
    case 'step-waiting':
      return change(tree, event.id, { state: 'queued', said: `queued (${event.resource}=${event.limit})` });
    case 'step-working':
      return change(tree, event.id, { state: 'running', startedAt: event.at, said: '' });
    case 'step-said':
    case 'check-said':
      return change(tree, event.id, { said: event.text });
    case 'step-done':
      return change(tree, event.id, {
        state: event.outcome,
        ms: event.ms,
        ...(event.removed === undefined ? {} : { removed: event.removed }),
      });
    case 'check-done':
      return change(tree, event.id, {
        state: event.outcome,
        ms: event.ms,
        ...(event.outcome === 'failed' ? { why: event.evidence } : {}),
      });
    case 'step-failed':
      return change(tree, event.id, { state: event.outcome, ms: event.ms, why: event.error.message });
    case 'step-left':
      return change(tree, event.id, { state: 'left' });
    case 'run-finished':
    case 'checks-finished':
      return { ...tree, over: true };
  }
}

export const EMPTY_TREE: Tree = { rowsAre: 'step', direction: 'apply', over: true, rows: new Map() };

function change(tree: Tree, id: string, row: Partial<Row>): Tree {
  const before = tree.rows.get(id);
  return before === undefined ? tree : { ...tree, rows: new Map(tree.rows).set(id, { ...before, ...row }) };
}

/** The tree as lines that fit the width of the terminal. Pure. */
export function treeLines(tree: Tree, frame: Frame): readonly string[] {
  const note = frame.note === undefined ? [] : [frame.paint.accent(cutText(frame.note, frame.columns - 1))];
  return [...stepLines(tree, frame), ...note];
}

function stepLines(tree: Tree, frame: Frame): readonly string[] {
  const rows = [...tree.rows.values()];
  const begun = rows.filter(({ state }) => state !== 'waiting' && state !== 'left');
  const rest = rows.length - begun.length;
  if (tree.over) return [...begun.map((row) => line(tree, row, frame)), ...countLine(tree, rest, 'not started', frame)];
  const all = rows.flatMap((row) => rowLines(tree, row, frame));
  // Two lines stay free: for the note, and for the cursor.
  const tooMany = frame.rows !== undefined && all.length > frame.rows - 2;
  return tooMany ? folded(tree, begun, rest, frame) : all;
}

/** For low terminals: running and failed steps as lines, the rest as counts. */
function folded(tree: Tree, begun: readonly Row[], rest: number, frame: Frame): readonly string[] {
  const done = begun.filter(({ state }) => isDone(state)).length;
  const live = begun.filter(({ state }) => !isDone(state));
  const room = Math.max(1, (frame.rows ?? 0) - 4);
  const lines: string[] = [];
  let shown = 0;
  // Failures first, because users must see them.
  for (const row of live.toSorted((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'))) {
    const more = rowLines(tree, row, frame);
    if (shown > 0 && lines.length + more.length > room) break;
    lines.push(...more.slice(0, room));
    shown += 1;
  }
  return [
    ...countLine(tree, done, 'done', frame),
    ...lines,
    ...countLine(tree, rest + live.length - shown, 'to come', frame),
  ];
}

function isDone(state: State): boolean {
  return state === 'ready' || state === 'changed' || state === 'passed' || state === 'skipped';
}

/** How many lines an error may take while other steps run; the error screen at the end shows all of it. */
const WHY_LINES = 3;

/** A step and, directly below it, why it failed: other steps may continue for minutes. */
function rowLines(tree: Tree, row: Row, frame: Frame): readonly string[] {
  const own = line(tree, row, frame);
  if (row.state !== 'failed' || row.why === undefined) return [own];
  const room = Math.max(1, frame.columns - 5);
  const wrapped = wrapText(row.why.replaceAll(/\s+/g, ' '), room);
  const shown = wrapped.slice(0, WHY_LINES);
  if (wrapped.length > WHY_LINES) shown[WHY_LINES - 1] = cutText(wrapped.slice(WHY_LINES - 1).join(' '), room);
  return [own, ...shown.map((text) => `    ${frame.paint.error(text)}`)];
}

function countLine(tree: Tree, count: number, what: string, { columns, paint }: Frame): readonly string[] {
  return count === 0 ? [] : [paint.dim(cutText(`· ${counted(count, tree.rowsAre)} ${what}`, columns - 1))];
}

/** Icon, title, state and last message, as far as they fit: the title is truncated before the times. */
function line(tree: Tree, row: Row, frame: Frame): string {
  const { paint, columns } = frame;
  const [icon, style] = iconOf(row.state, frame);
  // One column stays free: some terminals wrap the line when the last column is written.
  const room = columns - 1 - lengthOf(`${icon} `);
  const standing = stateText(tree, row, frame);
  const title = cutText(row.title, Math.max(MIN_TITLE, room - lengthOf(standing) - 2));
  const left = room - lengthOf(title) - lengthOf(standing) - 4;
  const said =
    row.state !== 'running' || left < MIN_MESSAGE ? '' : cutText((row.said ?? '').replaceAll(/\s+/g, ' '), left);
  const suffix = cutText([standing, said].filter((part) => part !== '').join('  '), room - lengthOf(title) - 2);
  const head = `${style(icon)} ${row.state === 'waiting' ? paint.dim(title) : title}`;
  return suffix === '' ? head : `${head}  ${paint.dim(suffix)}`;
}

function iconOf(state: State, { paint, spinner }: Frame): readonly [string, Style] {
  switch (state) {
    case 'waiting':
    case 'queued':
    case 'left':
      return ['·', paint.dim];
    case 'running':
      return [spinner, paint.accent];
    case 'skipped':
      return ['–', paint.dim];
    case 'ready':
      return ['✔', paint.dim];
    case 'changed':
    case 'passed':
      return ['✔', paint.success];
    case 'failed':
      return ['✖', paint.error];
    case 'interrupted':
      return ['◼', paint.warning];
  }
}

function stateText(tree: Tree, row: Row, { now }: Frame): string {
  const took = duration(row.ms ?? 0);
  switch (row.state) {
    case 'waiting':
    case 'left':
      return '';
    case 'queued':
      return row.said ?? 'queued';
    case 'running':
      return duration(now - (row.startedAt ?? now));
    case 'ready':
      return tree.direction === 'apply' ? 'unchanged' : 'not found';
    case 'changed':
      return tree.direction === 'apply' ? took : `${deletedText(row.removed)} in ${took}`;
    case 'passed':
      return took;
    case 'skipped':
      return 'skipped';
    case 'failed':
      return `failed after ${took}`;
    case 'interrupted':
      return `interrupted after ${took}`;
  }
}
