import { counted, duration } from '../../plan/text.ts';
import { html, type Markup } from './html.ts';
import type { CommandRecord } from './record.ts';
import { offset } from './scale.ts';

/** A read that was repeated with the same result. */
export interface RepeatedCommand {
  readonly last: CommandRecord;
  readonly times: number;
  readonly firstAt: number;
}

/**
 * In order of their start; reads that were repeated while polling are shown once for each result. Writes are never
 * collapsed.
 */
export function collapseRepeats(commands: readonly CommandRecord[]): readonly RepeatedCommand[] {
  const rows: RepeatedCommand[] = [];
  for (const command of [...commands].sort((a, b) => a.startedAt - b.startedAt)) {
    const before = rows.at(-1);
    if (before !== undefined && command.effect === 'read' && isSame(before.last, command)) {
      rows[rows.length - 1] = { ...before, last: command, times: before.times + 1 };
    } else rows.push({ last: command, times: 1, firstAt: command.startedAt });
  }
  return rows;
}

function isSame(one: CommandRecord, other: CommandRecord): boolean {
  return one.text === other.text && one.exitCode === other.exitCode && one.failure === other.failure;
}

/** Commands with start time, duration and exit code. */
export function commandList(commands: readonly CommandRecord[], zero: number): Markup {
  if (commands.length === 0) return html`<p class="none">No command was run for this.</p>`;
  return html`<ol class="commands">
    ${collapseRepeats(commands).map((asked) => row(asked, zero))}
  </ol>`;
}

function row({ last, times, firstAt }: RepeatedCommand, zero: number): Markup {
  const { effect, endedAt, startedAt, text, stderr, onMachine } = last;
  const again =
    times > 1 ? html`<span>asked ${counted(times, 'time')} in ${duration(endedAt - firstAt)}</span>` : undefined;
  const took = times > 1 ? undefined : html`<span class="duration">${duration(endedAt - startedAt)}</span>`;
  const place = onMachine === undefined ? undefined : html`<span>on ${onMachine.name}</span>`;
  const said = stderr === undefined ? undefined : html`<pre class="stderr">${stderr}</pre>`;
  return html`<li class="${effect}">
    <p class="meta">
      <span class="at">${offset(firstAt - zero, true)}</span>${took}${again}
      <span class="${isSuccess(last) ? 'well' : 'ill'}">${ending(last)}</span>${place}
      <span class="effect">${effect === 'write' ? 'write' : 'read'}</span>
    </p>
    <pre class="command">${onMachine?.text ?? text}</pre>
    ${said} ${onMachine === undefined ? undefined : wrapped(text)}
  </li>`;
}

/** A command on a machine is shown without the engine's wrapping; the full command can be expanded. */
function wrapped(text: string): Markup {
  return html`<details class="whole">
    <summary>the command as it was run</summary>
    <pre>${text}</pre>
  </details>`;
}

function isSuccess({ exitCode, failure }: CommandRecord): boolean {
  return exitCode === 0 && failure === undefined;
}

function ending({ exitCode, failure }: CommandRecord): string {
  if (exitCode !== undefined) return `exit ${exitCode}`;
  return failure === undefined ? 'did not run' : ENDINGS[failure];
}

const ENDINGS: Readonly<Record<NonNullable<CommandRecord['failure']>, string>> = {
  exit: 'failed',
  'not-found': 'program not found',
  'timed-out': 'out of time',
  aborted: 'interrupted',
  killed: 'killed',
};
