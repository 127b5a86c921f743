/** The precompiled validators: which bodies they accept, and their run-time dependencies. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../codegen/json.ts';
import { printValidators, UINT64 } from '../../codegen/validators.ts';
import * as auth from '../../generated/auth-server/validators.js';
import * as resource from '../../generated/resource-server/validators.js';
import * as wallet from '../../generated/wallet-address-server/validators.js';
import fc from '../support/fast-check.ts';

const amount = { value: '250', assetCode: 'USD', assetScale: 2 };
const payment = {
  id: 'https://rs.example/incoming-payments/1',
  walletAddress: 'https://rs.example/alice',
  completed: false,
  receivedAmount: amount,
  createdAt: '2026-01-02T03:04:05.678Z',
};
const pagination = { hasNextPage: false, hasPreviousPage: false };

describe('closed responses (OPI-001, OPI-007)', () => {
  const list = resource.responseBody['list-incoming-payments'][200];
  const complete = resource.responseBody['complete-incoming-payment'][200];

  test('a list item and a completed payment are valid as declared', () => {
    assert.ok(list({ pagination, result: [payment, { ...payment, metadata: { any: ['thing'] } }] }));
    assert.ok(list({ pagination, result: [] }));
    assert.ok(complete({ ...payment, completed: true }));
  });

  test('an unknown member is rejected', () => {
    assert.ok(!list({ pagination, result: [{ ...payment, methods: [] }] }));
    assert.deepEqual(list.errors?.[0]?.params, { unevaluatedProperty: 'methods' });
    assert.ok(!complete({ ...payment, updatedAt: payment.createdAt }));
    assert.ok(!resource.responseBody['get-quote'][200]({ ...payment }));
  });

  test('the public view has exactly two members', () => {
    const read = resource.responseBody['get-incoming-payment'][200];
    const view = { authServer: 'https://as.example/', receivedAmount: amount };
    assert.ok(read(view));
    assert.ok(read({ ...payment, methods: [] }));
    assert.ok(!read({ ...view, metadata: {} }));
  });
});

describe('formats', () => {
  const create = resource.requests['create-incoming-payment'].body!;
  const request = (value: unknown) =>
    create({ walletAddress: payment.walletAddress, incomingAmount: { ...amount, value } });

  test('amounts are uint64 in canonical form (RS-16)', () => {
    for (const value of ['0', '1', '9007199254740993', '18446744073709551615']) assert.ok(request(value), value);
    const refused = ['', '00', '007', '-1', '+1', '1.5', ' 1', '1 ', '0x10', '1e3', '18446744073709551616', 1, '١'];
    for (const value of [...refused, '99999999999999999999', '100000000000000000000'])
      assert.ok(!request(value), `${value}`);
  });

  test('the pattern agrees with arithmetic around every power of ten and the maximum', () => {
    const max = 2n ** 64n - 1n;
    const near = fc.tuple(fc.integer({ min: 0, max: 21 }), fc.bigInt({ min: -3n, max: 3n }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.bigInt({ min: 0n, max: 2n ** 66n }),
          near.map(([power, step]) => 10n ** BigInt(power) + step),
          fc.bigInt({ min: -20n, max: 20n }).map((step) => max + step),
          // The maximum with one digit changed exercises each branch of the pattern.
          fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: 0, max: 9 })).map(([at, digit]) => {
            const digits = [...max.toString()];
            digits[at] = String(digit);
            return BigInt(digits.join(''));
          }),
        ),
        (value) => assert.equal(UINT64.test(value.toString()), value >= 0n && value <= max),
      ),
      { numRuns: 500 },
    );
  });

  test('dates carry a time and a zone, identifiers are absolute', () => {
    const expiring = (expiresAt: string) => create({ walletAddress: payment.walletAddress, expiresAt });
    assert.ok(expiring('2026-01-02T03:04:05+02:00'));
    for (const bad of ['2026-01-02', '2026-01-02T03:04:05', '2026-13-02T03:04:05Z', 'soon'])
      assert.ok(!expiring(bad), bad);
    assert.ok(!create({ walletAddress: '/alice' }));
  });
});

describe('requests', () => {
  test('unknown members are rejected when creating a resource and ignored in a grant request', () => {
    assert.ok(!resource.requests['create-incoming-payment'].body!({ walletAddress: payment.walletAddress, foo: 1 }));
    const grant = auth.requests['post-request'].body!;
    assert.ok(grant({ client: 'https://c.example/c', access_token: { access: [] }, foo: 1 }));
    assert.ok(!grant({ client: 'https://c.example/c' }));
  });

  test('an outgoing payment has exactly one form (RS-OP-01)', () => {
    const create = resource.requests['create-outgoing-payment'].body!;
    const walletAddress = payment.walletAddress;
    assert.ok(create({ walletAddress, quoteId: 'https://rs.example/quotes/1' }));
    assert.ok(create({ walletAddress, incomingPayment: payment.id, debitAmount: amount }));
    assert.ok(!create({ walletAddress, quoteId: 'https://rs.example/quotes/1', debitAmount: amount }));
  });
});

describe('errors', () => {
  test('a code that the status does not declare is rejected (AS-162, OPI-003)', () => {
    const body = (code: string) => ({ error: { code, description: 'd' } });
    const replies = auth.responseBody['post-continue'];
    assert.ok(replies[401](body('request_denied')));
    assert.ok(!replies[401](body('too_fast')));
    assert.ok(!replies[401]({ error: { description: 'd' } }));
    assert.ok(!replies[401]({}));
    assert.ok(auth.responseBody['post-token'][400](body('invalid_client')));
  });

  test('the validator of a status without a body is null', () => {
    assert.equal(auth.responseBody['delete-token'][204], null);
    assert.equal(wallet.responseBody['get-wallet-address'][302], null);
    assert.equal(typeof wallet.responseBody['get-wallet-address'][404], 'function');
  });
});

test('a component is compiled once, however many references it has', () => {
  const amount = { type: 'object', required: ['value'], properties: { value: { type: 'integer', minimum: 17 } } };
  const reference = { $ref: '#/components/schemas/amount' };
  const payment = { type: 'object', properties: { sent: reference, received: reference } };
  const operation = (operationId: string, schema: JsonObject) => ({
    get: { operationId, responses: { 200: { content: { 'application/json': { schema } } } } },
  });
  const { code } = printValidators({
    paths: {
      '/amount': operation('get-amount', reference),
      '/payment': operation('get-payment', { $ref: '#/components/schemas/payment' }),
      '/payments': operation('list-payments', { type: 'array', items: { $ref: '#/components/schemas/payment' } }),
    },
    components: { schemas: { amount, payment } },
  });
  assert.equal(code.match(/must be >= 17/g)?.length, 1);
});

test('only the runtime of the schema compiler is imported', () => {
  const generated = join(import.meta.dirname, '../../generated');
  for (const name of readdirSync(generated).filter((entry) => existsSync(join(generated, entry, 'document.json')))) {
    const code = readFileSync(join(generated, name, 'validators.js'), 'utf8');
    assert.doesNotMatch(code, /\brequire\(/, name);
    for (const [, module] of code.matchAll(/^import .* from '([^']+)';$/gm)) {
      assert.match(module!, /^(ajv\/dist\/runtime\/\w+|ajv-formats\/dist\/formats)\.js$/, name);
    }
  }
});
