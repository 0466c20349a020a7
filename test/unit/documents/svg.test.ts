import { describe, expect, it } from 'vitest';
import { recordingSvg, THEMES } from '../../../scripts/documents/svg.ts';

const FRAMES = [
  { lines: ['$ istio-vms up'], ms: 1_000 },
  { lines: ['$ istio-vms up', '\x1b[32m✔\x1b[39m a <b> & c   done'], ms: 3_000 },
];

describe('the SVG of a recording', () => {
  const svg = recordingSvg(FRAMES, THEMES.light, 'a & b');

  it('shows the last frame when motion is reduced', () => {
    const [, height = ''] = /height="(\d+)"/.exec(svg) ?? [];
    expect(svg).toContain(`<g class="strip" transform="translate(0 -${height})">`);
    expect(svg).toContain('@media (prefers-reduced-motion:reduce){.strip{animation:none}}');
  });

  it('shows each frame for its duration', () => {
    expect(svg).toContain('animation:play 4000ms');
    expect(svg).toContain('25.000%{transform:translateY(-');
  });

  it('places colored parts and columns, and escapes text', () => {
    expect(svg).toContain('<tspan x="16" class="g">✔</tspan>');
    expect(svg).toContain('>a &lt;b&gt; &amp; c</tspan>');
    expect(svg).toContain(`<tspan x="${(16 + 14 * 8.4).toFixed(1)}">done</tspan>`);
  });

  it('contains each line once, however many frames show it', () => {
    expect(svg.match(/<text /g)).toHaveLength(2);
  });

  it('runs no script and loads nothing', () => {
    expect(svg).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org\/2000\/svg)|url\(/);
  });
});
