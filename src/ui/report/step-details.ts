import { duration, findingText } from '../../plan/text.ts';
import { segmentsOf } from './bar.ts';
import { commandList } from './command-list.ts';
import { failureBlock } from './failure.ts';
import { html, type Markup, type Part } from './html.ts';
import { ownerOf, type ReportData, type ReportedStep } from './report-data.ts';
import { offset } from './scale.ts';

/** The HTML id of a step. */
export const anchorOf = ({ direction, id }: Pick<ReportedStep, 'direction' | 'id'>): string => `${direction}-${id}`;

/** The expanded details of a step: its times, needs, messages and commands. */
export function stepDetails(step: ReportedStep, data: ReportData): Markup {
  const owner = ownerOf(step);
  const facts = timesOf(step, data).map(
    ([name, value]) =>
      html`<dt>${name}</dt>
        <dd>${value}</dd>`,
  );
  const messages = data.messages.filter((message) => message.owner === owner);
  const commands = data.commands.filter((command) => command.owner === owner);
  return html`<div class="inside" id="${anchorOf(step)}">
    <dl class="times">${facts}</dl>
    ${step.failure === undefined ? undefined : failureBlock(step.failure)}
    ${
      messages.length === 0
        ? undefined
        : html`<h4>Progress</h4>
            ${messageList(messages, data.startedAt)}`
    }
    <h4>Commands</h4>
    ${commandList(commands, data.startedAt)}
  </div>`;
}

function timesOf(step: ReportedStep, data: ReportData): readonly (readonly [string, Part])[] {
  const { startedAt, endedAt, after, finding, turnFrom } = step;
  const zero = data.startedAt;
  const titled = (id: string): Part => titleOf(data, step.direction, id);
  const spent = (kind: string): number =>
    segmentsOf(step)
      .filter((segment) => segment.kind === kind)
      .reduce((sum, { from, to }) => sum + to - from, 0);
  const spans = [
    ['Waited to start', spent('queue')],
    ['Looked', spent('look')],
    ['Queued', spent('turn')],
    ['Worked', spent('work')],
  ] as const;
  return [
    ...(startedAt === undefined || endedAt === undefined
      ? []
      : [['When', `${offset(startedAt - zero, true)} – ${offset(endedAt - zero, true)}`] as const]),
    ...spans.filter(([, ms]) => ms > 0).map(([name, ms]) => [name, duration(ms)] as const),
    ...(turnFrom === undefined ? [] : [['Queued behind', titled(turnFrom)] as const]),
    ...(after.length === 0
      ? []
      : [['Started after', after.map((id) => html`<span class="need">${titled(id)}</span> `)] as const]),
    ...(finding === undefined || finding === 'ready' ? [] : [['Last state', findingText(finding)] as const]),
  ];
}

/** The title of another step of the same phase, as a link; the browser expands the target. */
function titleOf({ run }: ReportData, direction: ReportedStep['direction'], id: string): Part {
  const step = run?.steps.find((each) => each.direction === direction && each.id === id);
  return step === undefined ? id : html`<a href="#${anchorOf(step)}">${step.title}</a>`;
}

function messageList(messages: ReportData['messages'], zero: number): Markup {
  return html`<ol class="sayings">
    ${messages.map(({ at, text }) => html`<li><span class="at">${offset(at - zero, true)}</span> <span>${text}</span></li>`)}
  </ol>`;
}
