/** The error format of the resource server (RS-02…05, RS-24, SIG-30). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../generated/resource-server/routes.ts';
import { responseBody } from '../../generated/resource-server/validators.js';
import { Problem } from '../../src/errors.ts';
import type { Reply } from '../../src/http/reply.ts';
import type { ReplyValidator } from '../../src/http/server.ts';
import { createResourceProblemRenderer } from '../../src/resource/problem.ts';

const renderProblem = createResourceProblemRenderer({ authServer: 'https://granite.example/auth/' });
const render = (problem: Problem, operationId: string): Reply => renderProblem(problem, operationId, 'F-17');
const codes = [
  'not_found method_not_allowed malformed_body invalid_request unsupported_media_type body_too_large body_timeout',
  'missing_authorization invalid_signature internal_error invalid_token insufficient_access insufficient_grant',
  'invalid_interval unknown_wallet_address invalid_amount invalid_expires_at invalid_receiver receiver_unreachable',
  'non_positive_receive_amount no_rate invalid_quote introspection_unavailable',
].flatMap((line) => line.split(' '));
const errorOf = ({ body }: Reply) => (body as { error: { code: string; description: string } }).error;
const validators: Readonly<Record<string, Readonly<Record<number, ReplyValidator | null>>>> = responseBody;

test('renders every problem as a valid response of every operation that may raise it', () => {
  for (const operationId of Object.keys(routes)) {
    for (const code of codes.filter((name) => name !== 'not_found' || operationId.startsWith('get-'))) {
      if (code === 'not_found' && operationId === 'get-outgoing-payment-grant') continue;
      const reply = render(new Problem(code), operationId);
      const isValid = validators[operationId]![reply.status];
      assert.ok(isValid?.(reply.body), `${operationId} ${code} ${reply.status}`);
      const challenge = reply.headers?.['WWW-Authenticate'];
      assert.equal(challenge, reply.status === 401 ? 'GNAP as_uri=https://granite.example/auth/' : undefined);
    }
  }
});

test('prefixes the description of a signature problem', () => {
  const reply = render(new Problem('invalid_signature', { description: 'too old' }), 'get-quote');
  assert.equal(errorOf(reply).description, 'Signature validation error: too old');
});

test('keeps details for the log out of the response', () => {
  const reply = render(
    new Problem('invalid_receiver', { detail: 'secret', cause: new Error('secret') }),
    'create-quote',
  );
  assert.doesNotMatch(JSON.stringify(reply), /secret/);
});

test('renders an unknown problem as an internal error with only its failure id', () => {
  for (const problem of [
    new Problem('internal_error', { cause: new Error('secret'), description: 'secret' }),
    new Problem('insufficient_funds', { description: 'secret' }),
    new Problem('constructor'),
  ]) {
    const reply = render(problem, 'create-quote');
    assert.equal(reply.status, 500);
    const { code, description } = errorOf(reply);
    assert.equal(code, 'internal_error');
    assert.equal(description, 'internal error F-17');
  }
});
