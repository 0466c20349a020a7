import { criticalChain } from '../../plan/report.ts';
import { duration } from '../../plan/text.ts';
import { bar } from './bar.ts';
import { html, type Markup } from './html.ts';
import { ownerOf, type ReportData, type ReportedRun, type ReportedStep } from './report-data.ts';
import { createScale, offset, type Scale } from './scale.ts';
import { stepDetails } from './step-details.ts';

/** All steps in the order of the plan on one time axis; a click expands the details. */
export function timeline(data: ReportData, run: ReportedRun): Markup {
  const scale = createScale(data.startedAt, run.endedAt);
  const chain = criticalSteps(run);
  const phases = (['remove', 'apply'] as const)
    .map((direction) => ({ direction, steps: run.steps.filter((step) => step.direction === direction) }))
    .filter(({ steps }) => steps.length > 0);
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    <p class="aside">Click a step, or press Tab and Enter, to see its times, progress and commands.</p>
    ${LEGEND}
    <div class="chart">
      ${axis(data, scale)}
      ${phases.map(
        ({ direction, steps }) =>
          html`${phases.length > 1 ? html`<h3>${PHASES[direction]}</h3>` : undefined}
          ${steps.map((step) => row(step, data, scale, chain.has(ownerOf(step))))}`,
      )}
    </div>
  </section>`;
}

const PHASES = { remove: 'Deleted', apply: 'Created' } as const;

/** Owners of the steps that determined when the run ended. */
export function criticalSteps({ steps }: ReportedRun): ReadonlySet<string> {
  const chains = (['remove', 'apply'] as const).map((direction) => {
    const phase = steps.filter((step) => step.direction === direction);
    return criticalChain(phase).map((id) => ownerOf({ direction, id }));
  });
  return new Set(chains.flat());
}

function axis(data: ReportData, scale: Scale): Markup {
  const labels = scale.ticks.map((tick) => {
    const x = scale.place(data.startedAt + tick);
    // A centered label would overflow at either end of the axis.
    const anchor = x < 3 ? 'start' : x > 95 ? 'end' : 'middle';
    return html`<text x="${x}%" y="14" text-anchor="${anchor}">${offset(tick, tick % 1000 !== 0)}</text>`;
  });
  return html`<div class="axis" aria-hidden="true">
    <span>minutes : seconds</span><svg height="20">${labels}</svg>
  </div>`;
}

function row(step: ReportedStep, data: ReportData, scale: Scale, critical: boolean): Markup {
  const mark = critical
    ? html`<span class="diamond" aria-hidden="true">◆</span><span class="unseen">critical path: </span>`
    : undefined;
  return html`<details class="step ${step.outcome}${critical ? ' critical' : ''}">
    <summary>
      <span class="name">${mark}<span class="title">${step.title}</span></span>
      ${bar(step, { scale, zero: data.startedAt, critical })}
      <span class="came">${outcomeText(step)}</span>
    </summary>
    ${stepDetails(step, data)}
  </details>`;
}

/** The outcome of a step, and its duration without the wait for a resource. */
function outcomeText({ outcome, direction, startedAt, endedAt, waitedMs }: ReportedStep): string {
  const took = startedAt === undefined || endedAt === undefined ? '' : duration(endedAt - startedAt - waitedMs);
  switch (outcome) {
    case 'ready':
      return direction === 'apply' ? 'unchanged' : 'not found';
    case 'changed':
      return took;
    case 'failed':
      return `✖ failed, ${took}`;
    case 'interrupted':
      return `◼ interrupted, ${took}`;
    case 'not-started':
      return 'not started';
  }
}

const swatch = (kind: string, text: string): Markup =>
  html`<li>
    <svg class="bar" width="28" height="24" aria-hidden="true">
      <rect class="${kind}" x="2" y="${kind === 'work' ? 3 : 7}" width="24" height="${kind === 'work' ? 16 : 8}" /></svg
    >${text}
  </li>`;

const LEGEND = html`<ul class="legend">
  ${swatch('work', 'applies')} ${swatch('look', 'checks')} ${swatch('turn', 'waits')}
  <li>
    <span class="diamond">◆</span
    ><svg class="bar" width="28" height="24" aria-hidden="true">
      <rect class="mark" x="2" y="20" width="24" height="3" /></svg
    >critical path: it decided when the run ended
  </li>
</ul>`;
