/** The kept requests (CT-05): the newest, found by id and operation, bounded in bytes and without secrets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../src/errors.ts';
import { createRequestTrace, type FinishedCall } from '../../src/http/request-trace.ts';

const call: FinishedCall = {
  operation: 'get-quote',
  method: 'GET',
  target: '/quotes/1',
  params: { id: '1' },
  status: 200,
  milliseconds: 1.26,
  receivedAt: 0,
  answeredAt: 1.26,
  exchange: {
    method: 'GET',
    rawTarget: '/quotes/1',
    targetUri: 'https://ase.example/quotes/1',
    rawHeaders: [],
    body: Buffer.alloc(0),
  },
  isBodyUnread: false,
};

test('the newest thousand are kept; after an id come the oldest first', () => {
  const trace = createRequestTrace(() => 0);
  const record = trace.recordAt('granite');
  for (let n = 1; n <= 2500; n += 1) record(n % 2 === 0 ? call : { ...call, operation: 'create-quote' });
  const ids = (query: Partial<Parameters<typeof trace.list>[0]>) =>
    trace.list({ limit: 2, ...query }).map(({ id }) => id);
  assert.deepEqual(ids({}), [2499, 2500]);
  assert.deepEqual(ids({ after: 0 }), [1501, 1502]);
  assert.deepEqual(ids({ after: 2499 }), [2500]);
  assert.deepEqual(ids({ after: 2000, operation: 'create-quote' }), [2001, 2003]);
  assert.deepEqual(ids({ operation: 'get-grant' }), []);
  assert.equal(trace.list({ limit: 9999 }).length, 1000);
  trace.clear();
  assert.deepEqual(ids({}), []);
  record(call);
  assert.deepEqual(ids({}), [2501], 'ids go on');
});

test('a rejection has its reason and the requirement; an internal error, or a message that quotes content, is not shown', () => {
  const trace = createRequestTrace(() => 0);
  const refusalOf = (error: unknown) => {
    trace.recordAt('granite')({ ...call, error });
    return trace.list({ limit: 1 })[0]!.refusal;
  };
  assert.deepEqual(refusalOf(new Problem('invalid_signature', { description: 'too old', detail: 'created_too_old' })), {
    code: 'invalid_signature',
    reason: 'created_too_old',
    requirements: ['SIG-11'],
  });
  const plain = (code: string) => ({ code, reason: code, requirements: [] });
  assert.deepEqual(
    refusalOf(new Problem('malformed_body', { detail: '"secret" is not valid JSON' })),
    plain('malformed_body'),
  );
  assert.deepEqual(refusalOf(new Error('secret')), plain('internal_error'));
});

test('a target full of replacement patterns is kept as it is, and the kept text is bounded in bytes', () => {
  const trace = createRequestTrace(() => 0);
  const target = `/${'$&'.repeat(7000)}`;
  const error = new Problem('invalid_signature', { description: 'ü'.repeat(9000) });
  const signatureBase = `"@target-uri": https://ase.example${target}\n"@signature-params": ()`;
  trace.recordAt('granite')({ ...call, target, signatureBase, error });
  const [kept] = trace.list({ limit: 1 });
  assert.ok(kept!.target.startsWith('/$&$&$&'));
  assert.ok(kept!.refusal!.signatureBase!.startsWith('"@target-uri": https://ase.example/$&$&$&'));
  for (const text of [kept!.target, kept!.refusal!.signatureBase!, kept!.refusal!.reason]) {
    const bytes = Buffer.byteLength(text);
    assert.ok(bytes > 3900 && bytes <= 4010, `${bytes} bytes`);
  }
});
