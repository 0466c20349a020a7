import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { collapseRepeats } from '../../../../src/ui/report/command-list.ts';
import { outcomeOf } from '../../../../src/ui/report/header.ts';
import { renderReport } from '../../../../src/ui/report/page.ts';
import { mapTexts, type ReportData } from '../../../../src/ui/report/report-data.ts';
import { aCommand, reportFixture } from './report-fixture.ts';

/** The tags of a page in order, without attribute values and text. */
const skeleton = (page: string): string[] => page.match(/<[^>]*>/g)?.map((tag) => tag.replace(/="[^"]*"/g, '')) ?? [];

const EVIL = `</pre></style></title><script>alert(1)</script><img src=x onerror=alert(1)>" onclick="alert(1)" x='`;

describe('the run report', () => {
  it('has a bar for every step, and marks the critical path with a label and a sign', () => {
    const page = renderReport(reportFixture());
    expect(page.match(/<svg\s+class="bar"\s+role="img"/g)).toHaveLength(5);
    expect(page.match(/critical path: <\/span/g)).toHaveLength(2);
    const marked = [...page.matchAll(/<details class="step (\S+) critical">[\s\S]*?<span class="title">([^<]*)/g)];
    expect(marked.map(([, outcome, title]) => `${outcome} ${title}`)).toEqual(['changed machine master', 'failed k3s']);
  });

  it('has the same structure whatever text it contains', () => {
    const [plain, evil] = [renderReport(reportFixture()), renderReport(reportFixture((text) => `${text}${EVIL}`))];
    expect(skeleton(evil)).toEqual(skeleton(plain));
    expect(evil).not.toMatch(/<script|<img/);
    // Make sure that the texts are on the page.
    expect(evil.split('&lt;script&gt;').length).toBeGreaterThan(25);
  });

  it('allows a browser to load and run nothing except its own style sheet', () => {
    const page = renderReport(reportFixture());
    const sheet = /<style>([\s\S]*?)<\/style>/.exec(page)![1]!;
    const digest = createHash('sha256').update(sheet).digest('base64');
    expect(page).toContain(
      `content="default-src &#39;none&#39;; style-src &#39;sha256-${digest}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;"`,
    );
    expect(page).not.toMatch(
      /\s(src|srcset|style|on\w+)=|<(script|link|iframe|object|embed|form)\b|@import|url\((?!#)/,
    );
    expect(page).not.toMatch(/href="[^#]/);
  });

  it('has only links with an existing target', () => {
    const page = renderReport(reportFixture());
    const targets = new Set([...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((id) => !targets.has(id))).toEqual([]);
  });

  it('shows the commands, messages and error of a step, and the commands without an owner', () => {
    const page = renderReport(reportFixture());
    const inside = /id="apply-k3s"[\s\S]*?<\/details>/.exec(page)![0];
    expect(inside).toContain('multipass exec -n master');
    expect(inside).toContain('exit 21');
    expect(inside).toContain('no space left');
    expect(inside).toContain('Raise DISK_MASTER');
    expect(inside).not.toContain('multipass launch');
    expect(/id="besides"[\s\S]*/.exec(page)![0]).toContain('multipass version');
    expect(/id="checks"[\s\S]*?<\/table>/.exec(page)![0]).toMatch(
      /✖ FAIL[\s\S]*SERVFAIL[\s\S]*on vm[\s\S]*resolve istiod[\s\S]*multipass exec -n vm wrapped/,
    );
  });

  it('can be rendered for a run that never started', () => {
    const withoutRun = reportFixture((text) => text, { checks: [], commands: [] });
    delete (withoutRun as { run?: unknown }).run;
    const page = renderReport(withoutRun);
    expect(page).toContain('Error');
    expect(page).not.toMatch(/id="(timeline|checks|besides)"/);
  });

  it('is masked in all of its texts', () => {
    const masked = mapTexts(
      reportFixture((text) => `${text} secret&<'`),
      (text) => text.replaceAll("secret&<'", '***'),
    );
    expect(JSON.stringify(masked)).not.toContain('secret');
    expect(masked).toEqual(reportFixture((text) => `${text} ***`));
  });
});

describe('the outcome line of the run report', () => {
  const { failure, ...succeeded } = reportFixture();
  const unchanged = { run: { ...succeeded.run!, changed: 0 } };
  it.each<[string, ReportData]>([
    ['✔ The lab is up and verified', succeeded],
    ['✔ The lab is up', { ...succeeded, checks: [] }],
    ['✔ Everything is up to date and verified', { ...succeeded, ...unchanged }],
    ['✔ The lab is re-created and verified', { ...succeeded, kind: 'recreate' }],
    ['✔ The lab is deleted', { ...succeeded, kind: 'delete', checks: [] }],
    ['✔ Nothing to delete', { ...succeeded, ...unchanged, kind: 'delete', checks: [] }],
    ['✖ Failed', reportFixture()],
    ['✖ Created, but verification failed', { ...succeeded, failure: { ...failure!, reason: 'verify-failed' } }],
    ['◼ Interrupted', { ...succeeded, failure: { ...failure!, reason: 'interrupted' } }],
  ])('is "%s"', (line, data) => {
    const { sign, words } = outcomeOf(data);
    expect(`${sign} ${words}`).toBe(line);
    expect(renderReport(data)).toContain(`<title>${line.replace(' ', ' istio-vms up: ')}</title>`);
  });
});

describe('commands of a step', () => {
  it('are listed in the order of their start, with a repeated read only once', () => {
    const rows = collapseRepeats([
      aCommand({ text: 'write', effect: 'write', startedAt: 500 }),
      aCommand({ text: 'ask', startedAt: 100, exitCode: 1, failure: 'exit' }),
      aCommand({ text: 'ask', startedAt: 200, exitCode: 1, failure: 'exit' }),
      aCommand({ text: 'ask', startedAt: 300 }),
      aCommand({ text: 'write', effect: 'write', startedAt: 600 }),
      aCommand({ text: 'ask', startedAt: 400 }),
    ]);
    expect(rows.map(({ last, times }) => `${last.text} ${last.exitCode} ×${times}`)).toEqual([
      'ask 1 ×2',
      'ask 0 ×2',
      'write 0 ×1',
      'write 0 ×1',
    ]);
  });
});
