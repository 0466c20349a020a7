import { counted, duration } from '../../plan/words.ts';
import { commandList } from './command-list.ts';
import { html, type Markup } from './html.ts';
import { proofOwner, type Picture, type Proof } from './picture.ts';

/** The table of `verify`: each check with its verdict, its evidence and its commands. */
export function proofTable(picture: Picture): Markup {
  const { proofs } = picture;
  const passed = proofs.filter(({ ok }) => ok).length;
  const ms = proofs.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return html`<section aria-labelledby="proofs">
    <h2 id="proofs">Proofs</h2>
    <p class="aside">${passed} of ${counted(proofs.length, 'check')} passed, in ${duration(ms)}.</p>
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
        ${proofs.map((proof) => row(proof, picture))}
      </tbody>
    </table>
  </section>`;
}

function row({ name, title, ok, evidence, hint, durationMs }: Proof, picture: Picture): Markup {
  const commands = picture.commands.filter(({ owner }) => owner === proofOwner(name));
  return html`<tr class="${ok ? 'pass' : 'fail'}">
    <td class="verdict">${ok ? '✔ pass' : '✖ FAIL'}</td>
    <th scope="row">${name}</th>
    <td class="evidence">
      <p class="claim">${title}</p>
      <p>${evidence}</p>
      ${hint === undefined ? undefined : html`<p class="hint"><strong>Try:</strong> ${hint}</p>`}
      <details>
        <summary>${counted(commands.length, 'command')}</summary>
        ${commandList(commands, picture.startedAt)}
      </details>
    </td>
    <td class="duration">${duration(durationMs)}</td>
  </tr>`;
}
