import { createHash } from 'node:crypto';
import { counted } from '../../plan/text.ts';
import { commandList } from './command-list.ts';
import { failureBlock } from './failure.ts';
import { header, outcomeOf } from './header.ts';
import { html, markupText, trusted, type Markup } from './html.ts';
import type { Failure, ReportData, ReportedRun } from './report-data.ts';
import { checkTable } from './checks.ts';
import { anchorOf } from './step-details.ts';
import { STYLE } from './style.ts';
import { timeline } from './timeline.ts';

/**
 * The run report as one HTML file: no script, no font, nothing to load; sections expand with `<details>`. Its content
 * security policy lets the browser load and run nothing, in case anything gets past the escaping. Pure.
 */
export function renderReport(data: ReportData): string {
  const { run, checks, failure } = data;
  const { sign, words } = outcomeOf(data);
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${sign} ${data.commandLine}: ${words}</title>
      ${SHEET}
    </head>
    <body>
      ${HATCH}
      <main>
        ${header(data)} ${failure === undefined ? undefined : section('error', 'Error', errorSection(failure, run))}
        ${run === undefined ? undefined : timeline(data, run)} ${checks.length === 0 ? undefined : checkTable(data)}
        ${otherCommands(data)}
      </main>
      <footer>istio-vms ${data.version}. Secrets are masked; this file loads nothing and runs no script.</footer>
    </body>
  </html>`;
  return `<!doctype html>\n${markupText(page)}\n`;
}

/** No whitespace around it: the policy identifies the style sheet by its digest. */
const SHEET = trusted(`<style>${STYLE}</style>`);

const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/** The pattern that fills waiting times. */
const HATCH = html`<svg width="0" height="0" class="unseen" aria-hidden="true">
  <defs>
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect class="hatch-ground" width="6" height="6" />
      <rect class="hatch-line" width="2" height="6" />
    </pattern>
  </defs>
</svg>`;

function section(id: string, title: string, content: Markup): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${content}
  </section>`;
}

/** The error, with links to the failed steps. */
function errorSection(failure: Failure, run: ReportedRun | undefined): Markup {
  const steps = run?.steps.filter(({ outcome }) => outcome === 'failed' || outcome === 'interrupted') ?? [];
  const links = steps.map((step) => html`<li><a href="#${anchorOf(step)}">${step.title}</a></li>`);
  return html`${failureBlock(failure)}${
    links.length === 0
      ? undefined
      : html`<div class="path">
          <p class="label">Where</p>
          <ul>
            ${links}
          </ul>
        </div>`
  }`;
}

/** Commands without an owner: checking the tools, and creating the sample for the checks. */
function otherCommands({ commands, startedAt }: ReportData): Markup | undefined {
  const shared = commands.filter(({ owner }) => owner === undefined);
  if (shared.length === 0) return undefined;
  const list = html`<details>
    <summary>
      ${counted(shared.length, 'command')}: checks of the tools before the steps, and commands that several checks share
    </summary>
    ${commandList(shared, startedAt)}
  </details>`;
  return section('besides', 'Other commands', list);
}
