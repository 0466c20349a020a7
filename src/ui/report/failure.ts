import { sentence } from '../../plan/text.ts';
import { html, type Markup } from './html.ts';
import type { Failure } from './report-data.ts';

/** An error with everything on its screen: message, details, command, stderr and hint. */
export function failureBlock({ reason, exitCode, message, details, command, stderrTail, hint }: Failure): Markup {
  const list =
    details.length === 0
      ? undefined
      : html`<ul>
          ${details.map((detail) => html`<li>${detail}</li>`)}
        </ul>`;
  const words = (stderrTail ?? '').trimEnd();
  return html`<div class="failure">
    <p class="message">${sentence(message)}</p>
    ${list}
    ${
      command === undefined
        ? undefined
        : html`<p class="label">The command</p>
            <pre class="command">${command}</pre>`
    }
    ${
      words === ''
        ? undefined
        : html`<p class="label">Output</p>
            <pre class="stderr">${words}</pre>`
    }
    ${hint === undefined ? undefined : html`<p class="hint"><strong>Try:</strong> ${hint}</p>`}
    <p class="reason">Reason: ${reason} (exit code ${exitCode})</p>
  </div>`;
}
