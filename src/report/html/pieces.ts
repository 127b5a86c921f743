/** Pieces of the report's page. Text from requests passes through `shown`, and is escaped by `html`. */
import { type Html, html } from '../../html/html.ts';
import { markDifference, shorten, visible, visibleLines } from '../visible-text.ts';

const MAX_LINE = 1000;
/** UTF-16 code units of a body or a text of several lines. */
const MAX_BLOCK = 8000;

/** One line. */
export const shown = (text: string, max = MAX_LINE): string => visible(shorten(text, max));

/** Pieces one after the other, without white space between them. */
export const join = (pieces: readonly (Html | string)[]): Html =>
  pieces.reduce<Html>((before, piece) => html`${before}${piece}`, html``);

/** A sentence in which backticks enclose code. */
export const sentence = (text: string): Html =>
  join(
    shown(text)
      .split(/`([^`]+)`/)
      .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part)),
  );

/** The lines of a text. */
export const block = (text: string): Html => html`<pre><code>${visibleLines(shorten(text, MAX_BLOCK))}</code></pre>`;

/** One line, with the first difference marked. */
export function marked(text: string, firstDifference: number | undefined): Html {
  if (firstDifference === undefined) return html`<pre><code>${shown(text)}</code></pre>`;
  const { before, at, after } = markDifference(text, firstDifference);
  return html`<pre><code>${before}<mark>${at === '' ? '⏎' : at}</mark>${after}</code></pre>`;
}

export const commaSeparated = (pieces: readonly Html[]): Html =>
  join(pieces.flatMap((piece, index) => (index === 0 ? [piece] : [', ', piece])));
