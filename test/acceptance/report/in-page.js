// Runs inside the page, so it is plain JavaScript: reads computed colors and boxes, which only a browser knows.
({
  /** Texts and marks whose contrast with their background is too low (WCAG 2: 4.5 for text, 3 for graphics). */
  faint() {
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
      if (element.closest('defs') || !element.checkVisibility({ visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      const drawn = element instanceof SVGElement;
      const graphic = drawn && ['rect'].includes(element.tagName);
      const written = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
      if (!graphic && !written) continue;
      const front = parse(drawn ? (graphic ? style.stroke : style.fill) : style.color);
      const ratio = contrast(front, behind(element));
      if (!(ratio >= (graphic ? 3 : 4.5)))
        found.push(`${element.tagName}.${element.getAttribute('class')} ${ratio.toFixed(2)}`);
    }
    return [...new Set(found)];

    function behind(element) {
      for (let each = element; each !== null; each = each.parentElement) {
        const color = parse(getComputedStyle(each).backgroundColor);
        if (color[3] === 1) return color;
        if (color[3] !== 0) throw new Error(`half-transparent: ${each.tagName}`);
      }
      throw new Error('nothing is behind it');
    }
    function parse(text) {
      const numbers = /^rgba?\(([^)]*)\)$/.exec(text)?.[1].split(',').map(Number);
      if (numbers === undefined) throw new Error(`no color: ${text}`);
      return [...numbers, 1].slice(0, 4);
    }
    function contrast(one, other) {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    }
    function luminance([r, g, b]) {
      const [x, y, z] = [r, g, b].map((part) => {
        const s = part / 255;
        return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    }
  },

  /** Elements that extend beyond the right edge of the screen. */
  overflowing() {
    const width = document.documentElement.clientWidth;
    const beyond = [...document.querySelectorAll('body *')].filter((element) => {
      if (!element.checkVisibility() || element.closest('.unseen, thead, defs')) return false;
      return element.getBoundingClientRect().right > width + 0.5;
    });
    const found = beyond.map((element) => `${element.tagName}.${element.getAttribute('class')}`);
    return [...new Set(found), ...(document.documentElement.scrollWidth > width ? ['the page'] : [])];
  },
});
