/** Estimates whether a nonce can be guessed, from its characters alone. */

const MIN_LENGTH = 16;
/** Fewer different characters are a pattern: 16 random hexadecimal digits have five or fewer once in a million times. */
const MIN_DISTINCT = 5;

const words =
  /nonce|secret|random|finish|client|string|unique|example|sample|test|touchstone|password|interact|grant|wallet|open|payments?|abc|xyz|foo|bar/gi;

/** A predicate that says why the nonce can be guessed. Undefined if it looks random. */
export function describeGuessable(nonce: string): string | undefined {
  if (nonce.length < MIN_LENGTH) return `is shorter than ${MIN_LENGTH} characters`;
  if (/^[\d.:-]+$/.test(nonce) && !isUuid(nonce)) return 'consists of digits only';
  if (/\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(nonce)) return 'contains the time';
  if (new Set(nonce.slice(0, 1000)).size < MIN_DISTINCT) return 'repeats few characters';
  if (isSequence(nonce.slice(0, 1000))) return 'is a sequence of characters';
  if (nonce.length < 200 && nonce.replace(words, '').replaceAll(/[^a-z0-9]/gi, '').length < MIN_LENGTH / 2) {
    return 'consists of words';
  }
  return undefined;
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** Most characters follow the one before them, such as `0123456789abcdef`. */
function isSequence(text: string): boolean {
  let steps = 0;
  for (let i = 1; i < text.length; i += 1) if (text.charCodeAt(i) - text.charCodeAt(i - 1) === 1) steps += 1;
  return steps >= text.length * 0.75;
}

const alphabets: readonly (readonly [RegExp, number])[] = [
  [/^[0-9a-f-]+$/i, 16],
  [/^[a-z0-9-]+$/, 36],
  [/^[A-Z0-9-]+$/, 36],
  [/^[\w-]+$/, 64],
];

/** Upper bound: all characters random, from the smallest usual alphabet that has them. */
export function entropyBits(nonce: string): number {
  const [, size] = alphabets.find(([pattern]) => pattern.test(nonce)) ?? [undefined, 94];
  const separators = size === 64 ? 0 : nonce.split('-').length - 1;
  return (nonce.length - separators) * Math.log2(size);
}
