import { fc } from '../../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { html, markupText, trusted } from '../../../../src/ui/report/html.ts';

describe('html', () => {
  it.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    [`"><img src=x onerror='x'>`, '&quot;&gt;&lt;img src=x onerror=&#39;x&#39;&gt;'],
    ['&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ['a\u0000b\u001b[31mc\u009b', 'a\ufffdb\ufffd[31mc\ufffd'],
    ['ends\u202egnp.exe', 'ends\ufffdgnp.exe'],
    ['half \ud83d of a pair, and a whole one 😀', 'half \ufffd of a pair, and a whole one 😀'],
    ['two\n\tlines', 'two\n\tlines'],
  ])('escapes %j', (text, escaped) => {
    expect(markupText(html`<p title="${text}">${text}</p>`)).toBe(`<p title="${escaped}">${escaped}</p>`);
  });

  it('keeps trusted markup, joins lists, and renders nothing for undefined', () => {
    const items = ['a', '<'].map((text) => html`<b>${text}</b>`);
    const all = html`<p>${items}${undefined}${[[1, '&'], trusted('<br>')]}</p>`;
    expect(markupText(all)).toBe('<p><b>a</b><b>&lt;</b>1&amp;<br></p>');
  });

  it('never lets a text change the markup around it', () => {
    // Half of the characters have a meaning in HTML.
    const letter = fc.oneof(
      fc.constantFrom('<', '>', '&', '"', "'", '=', ';', '#'),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
    );
    fc.assert(
      fc.property(fc.string({ unit: letter }), (text) => {
        const inside = markupText(html`${text}`);
        expect(inside).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
  });
});
