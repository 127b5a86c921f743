/** Every refusal of every operation is one that the document allows there (AS-160…164). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { responseBody } from '../../generated/auth-server/validators.js';
import { renderAuthProblem } from '../../src/auth/problem.ts';
import { Problem } from '../../src/http/problem.ts';

const render = (problem: Problem, operationId: string) => renderAuthProblem(problem, operationId, 'F-17');

const everywhere = ['invalid_request', 'unsupported_media_type', 'body_timeout', 'method_not_allowed'];
const signed = ['invalid_signature', 'unusable_client', 'internal_error', 'something new'];
const expected = {
  'post-request': [...everywhere, ...signed, 'malformed_body', 'body_too_large'],
  'post-continue': [
    ...everywhere,
    ...signed,
    'malformed_body',
    'body_too_large',
    'missing_authorization',
    'unknown_continuation',
    'unknown_interact_ref',
    'grant_denied',
    'too_fast',
  ],
  'delete-continue': [...everywhere, ...signed, 'missing_authorization', 'unknown_continuation'],
  'post-token': [...everywhere, ...signed, 'missing_authorization', 'unknown_token', 'token_replaced'],
  'delete-token': [...everywhere, ...signed, 'missing_authorization', 'unknown_token'],
} satisfies Record<keyof typeof responseBody, string[]>;

for (const [operationId, codes] of Object.entries(expected)) {
  describe(operationId, () => {
    for (const code of codes) {
      test(code, () => {
        const { status, body } = render(new Problem(code), operationId);
        const validators = responseBody[operationId as keyof typeof responseBody] as Record<
          number,
          ((body: unknown) => boolean) | null
        >;
        assert.ok(validators[status]?.(body), `${status} ${JSON.stringify(body)}`);
      });
    }
  });
}

test('a failure of ours tells its id and nothing else', () => {
  const cause = new Error('the database is on fire');
  const { status, body } = render(new Problem('internal_error', { cause, description: 'secret' }), 'post-request');
  const { code, description } = (body as { error: { code: string; description: string } }).error;
  assert.deepEqual([status, code], [500, 'request_denied']);
  assert.equal(description, 'internal error F-17');
});
