import {
  DefaultRenderer,
  Listr,
  type ListrDefaultRendererLogLevels,
  ListrLogger,
  ProcessOutput,
  Spinner,
} from 'listr2';
import type { Clock } from '../system/system.ts';
import { wrapText } from './wrap.ts';
import type { Styles } from './styles.ts';
import type { Reporter, ReporterEvent } from './reporter.ts';
import { updateTree, EMPTY_TREE, treeLines, type Tree, type TreeEvent } from './tree-lines.ts';

export interface TreeOptions {
  /** stderr, which must be a terminal. */
  readonly stream: NodeJS.WriteStream;
  readonly paint: Styles;
  /** The clock of the run, so that a rehearsal shows simulated times. */
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The live progress tree. listr2 manages the terminal (cursor, redrawing, holding back other writes); the lines are a
 * pure function of the events. While a tree is shown, a notice appears below it; warnings are printed after it.
 */
export function createTreeReporter({ stream, paint, clock }: TreeOptions): Reporter {
  const held: string[] = [];
  let current: LiveTree | undefined;
  let shown: Promise<unknown> = Promise.resolve();

  const print = (text: string): void => void stream.write(`${text}\n`);
  const release = (): void => held.splice(0).forEach(print);
  const sentence = (event: Extract<ReporterEvent, { type: 'notice' | 'warning' }>): void => {
    const text = wrapText(event.text, columnsOf(stream) - 1).join('\n');
    const painted = event.type === 'warning' ? paint.warning(text) : text;
    if (current === undefined) print(painted);
    else if (event.type === 'notice') current.note(event.text);
    else held.push(painted);
  };

  return {
    event: (event) => {
      if (event.type === 'notice' || event.type === 'warning') {
        sentence(event);
        return;
      }
      if (event.type === 'run-started' || event.type === 'checks-started') {
        const tree = createLiveTree({ stream, paint, clock });
        current = tree;
        // A second phase may start before the final state of the first is drawn.
        shown = shown.then(tree.show);
      }
      current?.take(event);
    },
    finish: async () => {
      await shown;
      current = undefined;
      release();
    },
    abandon: () => {
      current?.end();
      current = undefined;
      release();
    },
  };
}

interface LiveTree {
  readonly take: (event: TreeEvent) => void;
  /** Shows a message below the tree, until the next one or the end. */
  readonly note: (text: string) => void;
  /** Draws until the run is over. */
  readonly show: () => Promise<unknown>;
  /** Draws the final state and releases the terminal. */
  readonly end: () => void;
}

function createLiveTree({ stream, paint, clock }: TreeOptions): LiveTree {
  const spinner = new Spinner();
  let tree: Tree = EMPTY_TREE;
  let note: string | undefined;
  let over: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (over = resolve));
  let end = over;

  const draw = (live: boolean): string => {
    const alive = live ? { rows: stream.rows > 0 ? stream.rows : 24, ...(note === undefined ? {} : { note }) } : {};
    const frame = { columns: columnsOf(stream), now: clock.now(), spinner: spinner.fetch(), paint, ...alive };
    return treeLines(tree, frame).join('\n');
  };

  class TreeRenderer extends DefaultRenderer {
    /** listr2 would check whether *stdout* is a terminal; this tree uses stderr, which is already known to be one. */
    static override nonTTY = true;
    private ended = false;

    override async render(): Promise<void> {
      end = () => this.end();
      await super.render();
    }

    /** listr2 requests the final state without a prompt. */
    override create(options?: { prompt?: boolean }): string {
      return draw(options?.prompt !== false);
    }

    override end(): void {
      if (this.ended) return;
      this.ended = true;
      super.end();
    }
  }

  return {
    take: (event) => {
      tree = updateTree(tree, event);
      if (tree.over) over();
    },
    note: (text) => void (note = text),
    // ProcessOutput saves the stream's write function: created earlier, it could save the one of the previous tree.
    show: () =>
      new Listr([{ title: 'run', task: () => finished }], {
        renderer: TreeRenderer,
        rendererOptions: {
          spinner,
          logger: new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(stream, stream) }),
        },
        registerSignalListeners: false,
      }).run(),
    end: () => end(),
  };
}

/** A terminal with unknown size reports 0. */
function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : 80;
}
