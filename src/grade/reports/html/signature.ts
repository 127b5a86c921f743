/** The explanation of a signature: what was wrong, and the base next to the text that the client signed. */
import { type Html, html } from '../../../html/html.ts';
import { join, marked, sentence, shown } from '../../../report/html/pieces.ts';
import { visible } from '../../../report/visible-text.ts';
import type { SignatureExplanation } from '../../explain-signature.ts';

/** The word and the class of its pill. */
export const signatureResults: Readonly<
  Record<SignatureExplanation['result'], readonly [word: string, kind: string, sentence: string]>
> = {
  unsigned: ['unsigned', '', 'The request is not signed.'],
  correct: ['signature correct', 'pass', 'The signature is correct.'],
  tolerated: ['signature tolerated', 'warning', 'The signature is accepted in this profile in spite of mistakes.'],
  explained: ['signature wrong', 'fail', 'The signature is not correct, for this reason.'],
  unexplained: ['signature wrong', 'fail', 'The signature is not correct, and no common mistake makes it verify.'],
  'no-key': ['no key', 'warning', 'No key was found, so only the form of the signature was checked.'],
};

const MAX_LINES = 60;

export function renderSignature(signature: SignatureExplanation): Html | undefined {
  const { result, refusal, mistakes, key, digest } = signature;
  if (result === 'unsigned' && digest === undefined) return undefined;
  return html`<h3>Signature</h3>
<p>${signatureResults[result][2]}${refusal && html` <code>${refusal.reason}</code>: ${shown(refusal.detail)}`}</p>
${
  mistakes.length > 0
    ? html`<ul class="mistakes">${mistakes.map(
        (mistake) => html`<li><b>${sentence(mistake.sentence)}</b> ${sentence(mistake.fix)}</li>`,
      )}</ul>`
    : undefined
}
${key && html`<p class="soft">Key <code>${shown(key.keyid)}</code> from ${shown(key.source)}</p>`}
${digest && !digest.matches ? renderDigest(digest) : undefined}
${renderBases(signature)}`;
}

function renderDigest({ received, expected }: NonNullable<SignatureExplanation['digest']>): Html {
  const offset = received === null ? undefined : firstDifference(expected, received);
  return html`<div class="values"><span class="soft">digest expected</span>${marked(expected, offset)}
<span class="soft">received</span>${received === null ? html`<span>none</span>` : marked(received, offset)}</div>`;
}

/** In bytes. */
function firstDifference(one: string, other: string): number {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  let offset = 0;
  while (offset < a.length && a[offset] === b[offset]) offset += 1;
  return offset;
}

function renderBases({ base, signed, firstDifference: difference }: SignatureExplanation): Html | undefined {
  if (base === undefined) return undefined;
  if (signed === undefined || difference === undefined) {
    return html`<h3>Signature base</h3><pre class="base"><code>${visibleBase(base)}</code></pre>`;
  }
  const { line, column, offset, expected, signed: byte } = difference;
  const bytes =
    expected === null && byte === null ? '' : `: expected ${expected ?? 'the end'}, signed ${byte ?? 'the end'}`;
  const isText = signed.encoding === 'text';
  // A difference within a secret has no place in the text without secrets.
  const place = isText && bytes !== '' ? { line, column } : undefined;
  return html`<div class="bases">
<div><h3>The signature base</h3>${renderBase(base, isText ? signed.value : undefined, place)}</div>
<div><h3>Signed by the client${isText ? '' : ' (hexadecimal)'}</h3>${
    isText ? renderBase(signed.value, base, place) : html`<pre class="base"><code>${shown(signed.value)}</code></pre>`
  }</div>
</div>
<p class="soft">First difference: line ${String(line)}, column ${String(column)} (byte ${String(offset)})${bytes}</p>`;
}

const visibleBase = (base: string): string[] =>
  base
    .split('\n')
    .slice(0, MAX_LINES)
    .map((line) => shown(line));

/** Lines that the other text does not have at the same place are highlighted. */
function renderBase(
  text: string,
  other: string | undefined,
  place: { line: number; column: number } | undefined,
): Html {
  const others = other?.split('\n');
  const lines = text
    .split('\n')
    .slice(0, MAX_LINES)
    .map((line, index) => {
      const isOther = others !== undefined && others[index] !== line;
      const content = place?.line === index + 1 ? markColumn(line, place.column) : html`${shown(line) || ' '}`;
      return html`<span${isOther ? html` class="other"` : ''}>${content}</span>`;
    });
  return html`<pre class="base"><code>${join(lines)}</code></pre>`;
}

function markColumn(line: string, column: number): Html {
  const [at = ''] = line.slice(column - 1);
  const after = line.slice(column - 1 + at.length);
  return html`${visible(line.slice(0, column - 1))}<mark>${at === '' ? '⏎' : visible(at)}</mark>${visible(after)}`;
}
