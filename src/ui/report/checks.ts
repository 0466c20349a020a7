import { counted, duration } from '../../plan/text.ts';
import { commandList } from './command-list.ts';
import { html, type Markup } from './html.ts';
import { checkOwner, type ReportData, type ReportedCheck } from './report-data.ts';

/** The table of `verify`: each check with its result, evidence and commands. */
export function checkTable(data: ReportData): Markup {
  const { checks } = data;
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length;
  const ms = checks.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return html`<section aria-labelledby="checks">
    <h2 id="checks">Checks</h2>
    <p class="aside">${passed} of ${counted(checks.length, 'check')} passed, in ${duration(ms)}.</p>
    <table>
      <thead>
        <tr>
          <th scope="col">Result</th>
          <th scope="col">Check</th>
          <th scope="col">Evidence</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        ${checks.map((check) => row(check, data))}
      </tbody>
    </table>
  </section>`;
}

/** CSS class and text of a result. */
const VERDICTS = {
  passed: ['pass', '✔ pass'],
  failed: ['fail', '✖ FAIL'],
  skipped: ['skip', 'skipped'],
} as const;

function row({ name, title, outcome, evidence, hint, durationMs }: ReportedCheck, data: ReportData): Markup {
  const commands = data.commands.filter(({ owner }) => owner === checkOwner(name));
  // Many checks share one snapshot, so a check may have no commands of its own.
  const list =
    commands.length === 0
      ? undefined
      : html`<details>
          <summary>${counted(commands.length, 'command')}</summary>
          ${commandList(commands, data.startedAt)}
        </details>`;
  const [kind, verdict] = VERDICTS[outcome];
  return html`<tr class="${kind}">
    <td class="verdict">${verdict}</td>
    <th scope="row" class="check">
      ${name}
      <p class="claim">${title}</p>
    </th>
    <td class="evidence">
      <p>${evidence}</p>
      ${hint === undefined ? undefined : html`<p class="hint"><strong>Try:</strong> ${hint}</p>`} ${list}
    </td>
    <td class="duration">${duration(durationMs)}</td>
  </tr>`;
}
