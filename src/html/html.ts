/** HTML text (WHATWG HTML §13.1): the tag `html` escapes every value that is not HTML itself. */

/** A piece of HTML. Only `html` and `rawHtml` create it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Absent values leave no trace; lists become one line per item. */
export type HtmlValue = Html | string | undefined | readonly HtmlValue[];

/** Characters that reorder or hide text, with which a client could show another name than it has (UAX #9 §2). */
const DECEPTIVE = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function render(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string')
    return value.replace(DECEPTIVE, '\ufffd').replace(/[&<>"']/g, (character) => ESCAPES[character]!);
  return value === undefined ? '' : value.map(render).join('\n');
}

/** Escapes for elements and for attributes in quotes; characters that reorder or hide text become U+FFFD. */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html =>
  new Html(strings.map((text, index) => text + render(values[index])).join(''));

/** Trusted text that must not be escaped, such as a style sheet. */
export const rawHtml = (text: string): Html => new Html(text);
