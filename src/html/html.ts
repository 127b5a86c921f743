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

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function render(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
  return value === undefined ? '' : value.map(render).join('\n');
}

/** Escapes for elements and for attributes in quotes. */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html =>
  new Html(strings.map((text, index) => text + render(values[index])).join(''));

/** Trusted text that must not be escaped, such as a style sheet. */
export const rawHtml = (text: string): Html => new Html(text);
