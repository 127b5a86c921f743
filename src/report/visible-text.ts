/**
 * Text of requests for display: what a terminal, a browser or an editor would interpret, hide or reorder is shown as an
 * escape (UAX #9 §2; ECMA-48), so that it can neither forge a report nor break its format.
 */

/** Controls, format characters, lone surrogates, private use and unassigned code points, separators of lines. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => NAMES[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`);

/** The lines of a text, with tabs as they are. */
export const visibleLines = (text: string): string[] =>
  text.split(/\r?\n/).map((line) => line.split('\t').map(visible).join('\t'));

/** Characters that an editor would hide or reorder become escapes; JSON.stringify escapes the controls below U+0020. */
export const escapeJson = (json: string): string =>
  json.replaceAll(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** At most `max` UTF-16 code units, and a note about the rest. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  // Half a surrogate pair is left out too.
  const kept = text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… (${text.length - kept.length} more characters)`;
}

export interface MarkedText {
  readonly before: string;
  /** The first character that differs. Empty at the end of the text. */
  readonly at: string;
  readonly after: string;
}

/** Characters that are shown before and after a difference. */
const CONTEXT = 60;

/** A window of a text around the byte at this offset, made visible. */
export function markDifference(text: string, offset: number): MarkedText {
  const bytes = Buffer.from(text);
  // A difference within a character is shown at its first byte.
  let start = Math.min(offset, bytes.length);
  while (start > 0 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start -= 1;
  const before = [...bytes.subarray(0, start).toString()];
  const [at = '', ...after] = [...bytes.subarray(start).toString()];
  const omitted = before.length > CONTEXT ? '…' : '';
  const following = after.length > CONTEXT ? '…' : '';
  return {
    before: omitted + visible(before.slice(-CONTEXT).join('')),
    at: visible(at),
    after: visible(after.slice(0, CONTEXT).join('')) + following,
  };
}
