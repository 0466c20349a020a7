const MARKUP = Symbol('markup');

/** Text that is HTML already. Only this file makes any, so nothing gets into a page unescaped. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** What may stand in a template: text is escaped, markup is not, lists are joined, nothing is nothing. */
export type Part = Markup | string | number | undefined | readonly Part[];

/**
 * A piece of HTML. Parts may stand between tags and inside double quotes, where their escaped text can mean nothing but
 * itself; not inside a tag's name, nor in a script or style.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { [MARKUP]: strings.map((text, place) => text + rendered(parts[place])).join('') };
}

/** Our own text that needs no escaping, e.g. a style sheet. Never for anything that comes from outside. */
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

/** Control characters are no HTML, and those that turn the direction of writing can make a text look like another. */
const UNSEEN = /[\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?![\n\t])\p{Cc}/gu;

function escaped(text: string): string {
  return text.replace(UNSEEN, '\ufffd').replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}
