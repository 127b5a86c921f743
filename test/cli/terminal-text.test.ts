/** Texts of clients and servers that commands print cannot control the terminal, nor pass for another line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLeftovers } from '../../conformance/runner/footprint.ts';
import { printDescription } from '../../src/cli/explain-exchange.ts';
import { describe } from '../../src/cli/payments.ts';
import type { DescribedExchange } from '../../src/grade/describe-exchange.ts';

/** A control sequence in its 7-bit and 8-bit form, and a mark that reverses the text after it. */
const HOSTILE = 'a\x1b[2J\u009b31m\u202eb';
const SHOWN = 'a\\u{1b}[2J\\u{9b}31m\\u{202e}b';

const invisible = /[\p{C}\p{Zl}\p{Zp}]/u;

function assertVisible(text: string): void {
  for (const line of text.split('\n')) assert.doesNotMatch(line.replaceAll('\t', ''), invisible);
  assert.ok(text.includes(SHOWN), text);
}

test('touchstone explain exchange', () => {
  const message = { headers: [['X-Name', HOSTILE]], bytes: 9, body: `{"a":\t"${HOSTILE}"}\n` };
  const exchange: DescribedExchange = {
    id: 1,
    at: '2026-11-27T02:03:04.567Z',
    receivedAt: '2026-11-27T02:03:04.567Z',
    ase: 'granite',
    operation: 'create-quote',
    method: 'POST',
    status: 400,
    ms: 1,
    lenient: [],
    request: { line: 'POST /quotes HTTP/1.1', ...message },
    response: message,
    signature: {
      result: 'unexplained',
      refusal: { reason: 'signature_mismatch', detail: HOSTILE },
      mistakes: [],
      key: { keyid: HOSTILE, source: 'http://localhost/jwks.json' },
      base: `"x-name": ${HOSTILE}\n"@method": POST`,
      verifications: 1,
    },
  };
  const text = printDescription(exchange);
  assertVisible(text);
  assert.ok(text.includes(`  {"a":\t"${SHOWN}"}\n`), 'tabs and lines stay');
});

test('touchstone payments', () => {
  const text = describe({
    id: '5a3f',
    state: 'pending',
    receiver: `https://a.example/${HOSTILE}`,
    assetCode: 'USD',
    assetScale: 2,
    debitAmount: '100',
    sentAmount: '0',
    heldAmount: '100',
    acceptedAt: '2026-11-27T02:03:04.567Z',
    attempts: 1,
    nextAttemptAt: null,
    packetsInDoubt: 0,
    lastError: `receiver_unreachable: ${HOSTILE}\nforged line`,
  });
  assertVisible(text);
  assert.equal(text.split('\n').length, 3);
});

test('touchstone check: what it leaves behind', () => {
  assertVisible(describeLeftovers([{ kind: 'quote', url: `https://a.example/${HOSTILE}` }], false).join('\n'));
});
