import { duration } from '../../plan/text.ts';
import { html, type Markup, type Part } from './html.ts';
import { ownerOf, type ReportData, type ReportedRun } from './report-data.ts';
import { anchorOf } from './step-details.ts';
import { criticalSteps } from './timeline.ts';

/** The result, the lab, the figures, and what took the time. */
export function header(data: ReportData): Markup {
  const { commandLine, startedAt, endedAt, rehearsal, facts, warnings, run } = data;
  const { tone, sign, words } = outcomeOf(data);
  return html`<header class="${tone}">
    <p class="typed"><code>$ ${commandLine}</code></p>
    <h1><span class="sign" aria-hidden="true">${sign}</span> ${words}</h1>
    <p class="aside">
      ${moment(startedAt)}, ${duration(endedAt - startedAt)} in
      all.${rehearsal ? html` <strong>A rehearsal</strong>: simulated world, simulated time; nothing real was touched.` : undefined}
    </p>
    <dl class="tiles">${tilesOf(data).map(tile)}</dl>
    ${run === undefined ? undefined : criticalPath(run)}
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${warnings.map((warning) => html`<p class="warning"><strong>Warning:</strong> ${warning}</p>`)}
  </header>`;
}

interface Outcome {
  readonly tone: 'good' | 'bad' | 'stopped';
  readonly sign: string;
  readonly words: string;
}

/** The run in one line. */
export function outcomeOf({ kind, run, failure, checks }: ReportData): Outcome {
  if (failure?.reason === 'interrupted') return { tone: 'stopped', sign: '◼', words: 'Interrupted' };
  if (failure !== undefined) {
    return {
      tone: 'bad',
      sign: '✖',
      words: failure.reason === 'verify-failed' ? 'Created, but verification failed' : 'Failed',
    };
  }
  const nothing = run?.changed === 0;
  if (kind === 'delete') return good(nothing ? 'Nothing to delete' : 'The lab is deleted');
  const verified = checks.length > 0 ? ' and verified' : '';
  if (nothing) return good(`Everything is up to date${verified}`);
  return good(`The lab is ${kind === 'recreate' ? 're-created' : 'up'}${verified}`);
}

const good = (words: string): Outcome => ({ tone: 'good', sign: '✔', words });

type Tile = readonly [name: string, value: string, more: string];

function tilesOf({ run, checks, commands }: ReportData): readonly Tile[] {
  const writes = commands.filter(({ effect }) => effect === 'write').length;
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length;
  const checksMs = checks.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return [
    ...(run === undefined ? [] : runTiles(run)),
    ['Commands', String(commands.length), `${writes} of them writes`],
    ...(checks.length === 0 ? [] : [['Checks', `${passed} of ${checks.length}`, `in ${duration(checksMs)}`] as const]),
  ];
}

function runTiles(run: ReportedRun): readonly Tile[] {
  const { steps, changed, makespanMs, criticalPathMs } = run;
  const count = (outcome: string): number => steps.filter((step) => step.outcome === outcome).length;
  const others = [
    [count('ready'), 'unchanged'],
    [count('failed'), 'failed'],
    [count('interrupted'), 'interrupted'],
    [count('not-started'), 'not started'],
  ] as const;
  const rest = others.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return [
    ['Makespan', duration(makespanMs), `sequential: ${duration(sumOfWork(run))}`],
    ['Critical path', duration(criticalPathMs), 'lower bound for any order'],
    ['Steps', `${changed} of ${steps.length}`, ['changed', ...rest].join(', ')],
  ];
}

/** The total duration of all steps, without waits. */
function sumOfWork({ steps }: ReportedRun): number {
  return steps.reduce((sum, { startedAt = 0, endedAt = 0, waitedMs }) => sum + endedAt - startedAt - waitedMs, 0);
}

function tile([name, value, more]: Tile): Markup {
  return html`<div>
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="more">${more}</dd>
  </div>`;
}

function criticalPath(run: ReportedRun): Markup | undefined {
  const chain = criticalSteps(run);
  const steps = run.steps
    .filter((step) => chain.has(ownerOf(step)))
    .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  // A path of one step tells nothing new, nor does one of checks only.
  if (steps.length < 2 || run.changed === 0) return undefined;
  const links: Part = steps.map(({ endedAt = 0, ...step }, place) => {
    // What it added to the total: until the previous step ended, it only waited.
    const ms = endedAt - (steps[place - 1]?.endedAt ?? run.startedAt);
    const share = run.makespanMs > 0 ? ` (${Math.round((100 * ms) / run.makespanMs)} %)` : '';
    return html`<li><a href="#${anchorOf(step)}">${step.title}</a> ${duration(ms)}${share}</li>`;
  });
  return html`<div class="path">
    <p class="label"><span class="diamond" aria-hidden="true">◆</span> Critical path</p>
    <ol>
      ${links}
    </ol>
  </div>`;
}

/** A date and time in an international format. */
function moment(at: number): Markup {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}
