const MARKUP = Symbol('markup');

/** Text that is already HTML. Only this file creates it, so nothing gets into a page unescaped. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** A value in a template: text is escaped, markup is not, lists are joined, undefined is empty. */
export type Part = Markup | string | number | undefined | readonly Part[];

/**
 * A piece of HTML. Values may be inserted between tags and inside double quotes, where escaped text is safe; not inside
 * a tag name, nor in a script or style.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { [MARKUP]: strings.map((text, place) => text + rendered(parts[place])).join('') };
}

/** Marks our own text as HTML without escaping it, e.g. a style sheet. Never use it for external text. */
export function trusted(text: string): Markup {
  return { [MARKUP]: text };
}

export function markupText(markup: Markup): string {
  return markup[MARKUP];
}

function rendered(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(part);
  return MARKUP in part ? part[MARKUP] : part.map(rendered).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters are not valid HTML, and those that change the text direction can disguise text. */
const UNSEEN = /[\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?![\n\t])\p{Cc}/gu;

function escaped(text: string): string {
  return text.replace(UNSEEN, '\ufffd').replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}
