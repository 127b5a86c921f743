/** Every error of every operation is declared in the document or is a documented exception (AS-160…165). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { listErrorCodes, type StatusCodes } from '../../codegen/error-codes.ts';
import { type GenerationConfig, parseYaml, upstreamDirectory } from '../../codegen/source.ts';
import { errorCodes } from '../../generated/auth-server/errors.ts';
import { responseBody } from '../../generated/auth-server/validators.js';
import { authCodes, renderAuthProblem } from '../../src/auth/problem.ts';
import { Problem } from '../../src/errors.ts';

const root = join(import.meta.dirname, '..', '..');
type Operation = keyof typeof errorCodes;

const render = (code: string, operationId: string) => {
  const { status, body } = renderAuthProblem(new Problem(code), operationId, 'F-17');
  return { status, body: body as { error: { code: string; description: string } } };
};

const everywhere = [
  'invalid_request',
  'unsupported_media_type',
  'body_timeout',
  'body_too_large',
  'method_not_allowed',
  'internal_error',
  'rate_limited',
  'overloaded',
];
const signed = ['invalid_signature', 'unusable_client', 'something new'];
const withToken = [...everywhere, ...signed, 'missing_authorization'];
/** Problem codes of each operation. */
const refusals: Readonly<Record<Operation, readonly string[]>> = {
  'get-discovery': everywhere,
  'options-discovery': everywhere,
  'post-request': [...everywhere, ...signed, 'malformed_body'],
  'post-continue': [
    ...withToken,
    'malformed_body',
    'unknown_continuation',
    'unknown_interact_ref',
    'grant_denied',
    'too_fast',
  ],
  'delete-continue': [...withToken, 'unknown_continuation'],
  'post-token': [...withToken, 'unknown_token', 'token_replaced'],
  'delete-token': [...withToken, 'unknown_token'],
};

test('AS-162: every problem code belongs to an operation, except that of an unknown path', () => {
  const known = new Set([...Object.values(refusals).flat(), 'not_found']);
  assert.deepEqual(
    authCodes.filter((code) => !known.has(code)),
    [],
  );
});

for (const [operationId, codes] of Object.entries(refusals)) {
  describe(operationId, () => {
    for (const code of codes) {
      test(`AS-160: ${code} is valid`, () => {
        const { status, body } = render(code, operationId);
        const validators: Record<number, ((body: unknown) => boolean) | null> = responseBody[operationId as Operation];
        assert.ok(validators[status]?.(body), `${status} ${JSON.stringify(body)}`);
      });
    }
  });
}

/** The published document, without the overlay. */
const published = (() => {
  const config = JSON.parse(readFileSync(join(root, 'codegen.config.json'), 'utf8')) as GenerationConfig;
  const file = join(upstreamDirectory(root, config, undefined), config.documents['auth-server']!.upstream!);
  return listErrorCodes(parseYaml(readFileSync(file, 'utf8'), file));
})();

/** Pairs that are not published, each with the interpretation that explains it. */
const exceptions: readonly (readonly [opi: string, operations: RegExp, status: number, code: string])[] = [
  ['OPI-004', /^(post|delete)-/, 405, 'invalid_request'],
  ['OPI-004', /^(post|delete)-/, 413, 'invalid_request'],
  ['OPI-004', /^(post|delete)-/, 429, 'request_denied'],
  ['OPI-004', /^(post|delete)-/, 503, 'request_denied'],
  ['OPI-004', /-continue$/, 500, 'request_denied'],
  ['OPI-005', /^(delete-continue|post-token|delete-token)$/, 400, 'invalid_client'],
  ['OPI-006', /^post-continue$/, 400, 'invalid_request'],
  ['OPI-056', /-discovery$/, 400, 'invalid_request'],
  ['OPI-056', /-discovery$/, 405, 'invalid_request'],
  ['OPI-056', /-discovery$/, 413, 'invalid_request'],
  ['OPI-056', /-discovery$/, 429, 'request_denied'],
  ['OPI-056', /-discovery$/, 500, 'request_denied'],
  ['OPI-056', /-discovery$/, 503, 'request_denied'],
];

const isPublished = (operationId: string, status: number, code: string): boolean => {
  const statuses: StatusCodes | undefined = published.get(operationId);
  return statuses?.get(status)?.includes(code) ?? false;
};
const explained = (operationId: string, status: number, code: string) =>
  exceptions.filter(([, operations, ...pair]) => operations.test(operationId) && `${pair}` === `${[status, code]}`);

describe('AS-162: pairs of status and code', () => {
  const answered = Object.entries(refusals).flatMap(([operationId, codes]) =>
    codes.map((problem) => {
      const { status, body } = render(problem, operationId);
      return [operationId, status, body.error.code] as const;
    }),
  );
  const allowed = Object.entries(errorCodes).flatMap(([operationId, statuses]) =>
    Object.entries(statuses).flatMap(([status, codes]: [string, readonly string[]]) =>
      codes.map((code): readonly [string, number, string] => [operationId, Number(status), code]),
    ),
  );

  test('reads the published document', () => {
    assert.equal(isPublished('post-continue', 400, 'too_fast'), true);
    assert.equal(isPublished('post-continue', 400, 'invalid_request'), false);
  });

  test('each answered pair, and each pair of the generated document, is published or an exception', () => {
    const wrong = [...answered, ...allowed].filter((pair) => !isPublished(...pair) && explained(...pair).length === 0);
    assert.deepEqual(wrong, []);
  });

  test('no exception is superfluous', () => {
    for (const [opi, operations, status, code] of exceptions) {
      const concerned = Object.keys(errorCodes).filter((operationId) => operations.test(operationId));
      assert.ok(concerned.length > 0, opi);
      for (const operationId of concerned) {
        assert.equal(isPublished(operationId, status, code), false, `${operationId} ${status} ${code} is published`);
        assert.ok(
          allowed.some((pair) => `${pair}` === `${[operationId, status, code]}`),
          `${operationId} ${status} ${code} is not allowed`,
        );
      }
    }
  });

  test('the interpretations name each exception', () => {
    const text = readFileSync(join(root, 'docs/interpretations.md'), 'utf8');
    const paragraphs = new Map(text.split(/^## /m).map((paragraph) => [paragraph.slice(0, 7), paragraph]));
    for (const [opi, , status, code] of exceptions.filter(([id]) => id !== 'OPI-056')) {
      assert.match(paragraphs.get(opi) ?? '', new RegExp(`${status}`), opi);
      assert.match(paragraphs.get(opi) ?? '', new RegExp(code), opi);
    }
    assert.match(paragraphs.get('OPI-056') ?? '', /errors/i);
  });
});

test('AS-164: an internal error reveals only its id', () => {
  const cause = new Error('the database is on fire');
  const problem = new Problem('internal_error', { cause, description: 'secret' });
  for (const operationId of Object.keys(errorCodes)) {
    const { status, body } = renderAuthProblem(problem, operationId, 'F-17');
    assert.deepEqual([status, body], [500, { error: { code: 'request_denied', description: 'internal error F-17' } }]);
  }
});
