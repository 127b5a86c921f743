/** Assertions that many checks share: a status, and the error format of each protocol. */
import assert from 'node:assert/strict';
import { assertFor } from '../runner/deviation.ts';
import { UnexpectedAnswer } from '../runner/evidence.ts';
import type { Answer } from './signed-client.ts';

/** The answer has one of these statuses. */
export function expectStatus(answer: Answer, ...statuses: readonly number[]): Answer {
  if (!statuses.includes(answer.status)) {
    const expected = `status ${statuses.join(' or ')}`;
    const values = { expected, actual: `status ${answer.status}` };
    throw new UnexpectedAnswer(`expected ${expected}, received ${answer.status}`, answer, values);
  }
  return answer;
}

/** A grant that needs no interaction: the token is there. */
export function expectToken(answer: Answer): void {
  expectStatus(answer, 200);
  assert.equal(typeof answer.body?.access_token?.value, 'string', 'a grant without interaction brings a token at once');
}

/** The answer has this status, and its document allows it. */
export function expectDeclared(answer: Answer, status: number): Answer {
  expectStatus(answer, status);
  if (answer.violation !== undefined) assert.fail(answer.violation);
  return answer;
}

/** Never a page and never a stack, whatever went wrong. */
export function expectNoLeak(answer: Answer): void {
  assert.doesNotMatch(answer.text, /<html|<!doctype|<pre>/i, 'an HTML page instead of an error object');
  assert.doesNotMatch(answer.text, /\bat .+\.[jt]s:\d+|node_modules/, 'a stack trace in the answer');
}

/** Authorization server error: `{error: {code, description}}` (AS-160), one of the codes, not to be stored (AS-14). */
export function expectGnapError(answer: Answer, status: number, ...codes: readonly string[]): Answer {
  expectNoLeak(answer);
  expectStatus(answer, status);
  expectErrorObject(answer);
  const { code } = answer.body.error;
  if (!codes.includes(code)) {
    const expected = `error code ${codes.join(' or ')}`;
    throw new UnexpectedAnswer(`expected ${expected}, received ${code}`, answer, { expected, actual: code });
  }
  assert.match(answer.headers.get('cache-control') ?? '', /no-store/, 'Cache-Control: no-store is missing');
  return answer;
}

/**
 * Resource server error: `{error: {code, description, details?}}` (RS-02); a 401 names its authorization server (RS-04).
 * The wording of a description is a weaker rule than its check's (RS-03, SIG-30).
 */
export function expectResourceError(answer: Answer, status: number | readonly number[], description?: RegExp): Answer {
  expectNoLeak(answer);
  expectStatus(answer, ...(typeof status === 'number' ? [status] : status));
  expectErrorObject(answer);
  if (description) {
    const row = description.source.startsWith('^Signature validation error') ? 'SIG-30' : 'RS-03';
    assertFor(row, () => assert.match(answer.body.error.description, description));
  }
  if (answer.status === 401) {
    assert.match(answer.headers.get('www-authenticate') ?? '', /^GNAP as_uri=\S+$/, 'WWW-Authenticate: GNAP as_uri=…');
  }
  return answer;
}

function expectErrorObject(answer: Answer): void {
  assert.match(answer.headers.get('content-type') ?? 'none', /^application\/json\b/, 'an error is JSON');
  assert.deepEqual(Object.keys(answer.body ?? {}), ['error'], 'an error answer has the single member "error"');
  const { code, description } = answer.body.error;
  assert.equal(typeof code, 'string', 'error.code is a string');
  assert.equal(typeof description, 'string', 'error.description is a string');
}
