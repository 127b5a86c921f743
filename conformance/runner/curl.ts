/** A request as a command for a shell: secrets are variables such as `$TOKEN`, so that the command can be published. */
import type { Sent } from '../steps/http-exchange.ts';
import type { Piece, Redaction } from './redaction.ts';

/** curl writes these itself. */
const automatic = new Set(['host', 'content-length']);
/** Headers that are secret as a whole. */
const secretHeaders = new Map([
  ['signature', 'SIGNATURE'],
  ['cookie', 'COOKIE'],
  ['x-idp-secret', 'BACK_CHANNEL_SECRET'],
]);
const MAX_BODY = 4000;

/**
 * The request as one line. Different secrets of one name are numbered. A signature is valid for a short time only and
 * must be made again.
 */
export function toCurl({ method, url, headers, body }: Sent, redaction: Redaction): string {
  const split = redaction.createSplitter();
  const hasBody = body !== undefined && body.length > 0;
  const words = ['curl', '-i'];
  const add = (...texts: readonly string[]): void => void words.push(...texts.map((text) => toWord(split(text))));
  if (method === 'HEAD') add('-I');
  else if (method !== (hasBody ? 'POST' : 'GET')) add('-X', method);
  if (/[[\]{}]/.test(url)) add('-g');
  if (/\/\.{1,2}(?:[/?#]|$)/.test(url)) add('--path-as-is');
  add(url);
  for (const [name, value] of headers.filter(([each]) => !automatic.has(each.toLowerCase()))) {
    const placeholder = secretHeaders.get(name.toLowerCase());
    words.push('-H', toWord(placeholder ? [{ text: `${name}: ` }, { placeholder }] : split(`${name}: ${value}`)));
  }
  if (hasBody) add(...bodyWords(body));
  return words.join(' ');
}

function bodyWords(body: Buffer): string[] {
  const text = body.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(body) && !text.includes('\0');
  return isText && text.length <= MAX_BODY ? ['--data-raw', text] : ['--data-binary', `@body-of-${body.length}-bytes`];
}

const toWord = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => ('text' in piece ? quote(piece.text) : `"$${piece.placeholder}"`)).join('') || "''";

/** One word of a shell. Characters that a terminal would interpret are escaped, as bash and POSIX.1-2024 allow. */
function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replaceAll(/[\\']/g, '\\$&').replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeBytes);
  return `$'${escaped}'`;
}

const escapeBytes = (character: string): string =>
  [...Buffer.from(character, 'utf8')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
