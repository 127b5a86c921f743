/** Coverage of declared answers and their schemas, and the second judge: the unmodified documents and the official client. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { branchesOf, listBranches } from '../../conformance/generators/branches.ts';
import { loadReferee } from '../../conformance/referees/upstream.ts';
import {
  alwaysSent,
  impossibleBranches,
  judgeCompleteness,
  unneededReasons,
  unseenReasons,
} from '../../conformance/runner/completeness.ts';
import { branchesTaken, countCoverage, loadOperations } from '../../conformance/runner/validation.ts';
import type { Json } from '../../conformance/steps/signed-client.ts';

const operations = await loadOperations();

describe('branches of a schema', () => {
  const document = {
    components: {
      schemas: {
        card: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] },
        cash: { type: 'object', properties: { coins: { type: 'boolean' } } },
      },
    },
  };
  const card = { $ref: '#/components/schemas/card' };
  const cash = { $ref: '#/components/schemas/cash' };
  const schema = {
    node: {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string' }, pays: { type: 'array', items: { oneOf: [card, cash] } } },
    },
    document,
  };

  test('each alternative, and each optional member in both ways; components once', () => {
    assert.deepEqual([...listBranches(schema, 'get 200')].sort(), [
      'cash/coins: absent',
      'cash/coins: present',
      'get 200/pays/*: alternative card',
      'get 200/pays/*: alternative cash',
      'get 200/pays: absent',
      'get 200/pays: present',
    ]);
  });

  test('a value takes the branches that it shows', () => {
    assert.deepEqual([...branchesOf(schema, 'get 200', { id: 'a' })], ['get 200/pays: absent']);
    assert.deepEqual([...branchesOf(schema, 'get 200', { id: 'a', pays: [{ number: '1' }] })].sort(), [
      'cash/coins: absent',
      'get 200/pays/*: alternative card',
      'get 200/pays/*: alternative cash',
      'get 200/pays: present',
    ]);
    assert.ok(branchesOf(schema, 'get 200', { id: 'a', pays: [{ coins: true }] }).has('cash/coins: present'));
  });

  test('an answer of the documents takes declared branches only', () => {
    const payment = {
      authServer: 'https://as.example/',
      receivedAmount: { value: '1', assetCode: 'USD', assetScale: 2 },
    };
    const taken = branchesTaken(operations, 'get-incoming-payment', 200, payment);
    const { unseen, branches } = countCoverage(operations, new Set(taken));
    assert.ok(taken.includes('resource-server get-incoming-payment 200: alternative public-incoming-payment'));
    assert.ok(!taken.some((branch) => unseen.includes(branch)));
    assert.equal(branches.seen, taken.length);
    assert.ok(branches.declared > 60);
  });
});

describe('the second judge', () => {
  const referee = loadReferee();
  const judge = async (operation: string, status: number, body?: Json): Promise<string | undefined> =>
    (await referee).judge({ operation, status, body, text: body === undefined ? '' : JSON.stringify(body) });
  const error = (code: string) => ({ error: { code, description: 'd' } });
  const amount = { value: '250', assetCode: 'USD', assetScale: 2 };
  const payment = {
    id: 'https://rs.example/incoming-payments/1',
    walletAddress: 'https://rs.example/alice',
    completed: true,
    receivedAmount: amount,
    createdAt: '2026-01-02T03:04:05.678Z',
  };

  test('what only an overlay allows counts for its interpretation', async () => {
    assert.equal(await judge('complete-incoming-payment', 200, payment), undefined);
    assert.equal(await judge('create-incoming-payment', 400, error('invalid_request')), undefined);
    assert.equal(await judge('post-token', 400, error('invalid_client')), undefined);
    assert.equal(await judge('get-wallet-address', 404, error('not_found')), undefined);
    const { byInterpretation, unneeded, judged } = (await referee).report();
    assert.deepEqual(
      [judged, ...byInterpretation],
      [4, ['OPI-001', 1], ['OPI-004', 1], ['OPI-005', 1], ['OPI-010', 1]],
    );
    assert.ok(unneeded.some((name) => name.endsWith('(OPI-008)')));
    assert.ok(
      !unneeded.some((name) =>
        name.includes("['/token/{id}'].post.responses['400'].content['application/json'].schema['$ref']"),
      ),
    );
  });

  test('an answer that all allow needs no interpretation', async () => {
    const before = (await referee).report().byInterpretation;
    assert.equal(await judge('get-incoming-payment', 200, { ...payment, methods: [] }), undefined);
    assert.equal(await judge('delete-token', 204), undefined);
    assert.deepEqual((await referee).report().byInterpretation, before);
  });

  test('actions have different names, and each exception names one', async () => {
    const { unneeded } = (await loadReferee()).report();
    assert.deepEqual([...new Set(unneeded)], unneeded);
    assert.deepEqual(
      Object.keys(unneededReasons).filter((name) => !unneeded.includes(name)),
      [],
    );
  });

  test('operations of other documents are not judged', async () => {
    const { judged } = (await referee).report();
    assert.equal(await judge('introspect', 200, {}), undefined);
    assert.equal((await referee).report().judged, judged);
  });
});

test('what a complete run did not see has a reason, and a reason that is not needed is a failure', () => {
  const exceptions = Object.keys(unseenReasons);
  const coverage = { ...countCoverage(operations, new Set(), impossibleBranches), unseen: exceptions };
  const overlays = { judged: 9, byInterpretation: [], unneeded: Object.keys(unneededReasons) };
  const judge = (unseen: string[], unneeded: string[], seen: string[] = []) =>
    judgeCompleteness({ ...coverage, unseen }, new Set(seen), { ...overlays, unneeded }).map(
      ({ failure }) => failure?.message,
    );
  assert.deepEqual(judge(exceptions, overlays.unneeded), [undefined, undefined]);
  assert.deepEqual(judge([...exceptions, 'get-quote 200'], [...overlays.unneeded, 'x']), [
    'get-quote 200 was not seen',
    'x was not needed',
  ]);
  const [message] = judge([], overlays.unneeded);
  assert.equal(message!.split('\n').length, exceptions.length);
  assert.match(message!, /its reason is not needed any more/);
  assert.match(judge(exceptions, overlays.unneeded, [...impossibleBranches])[0]!, /does not always send it/);
});

test('members that Touchstone always sends have no branch without them, and each exists', () => {
  const all = countCoverage(operations, new Set());
  const own = countCoverage(operations, new Set(), impossibleBranches);
  assert.equal(all.branches.declared - own.branches.declared, impossibleBranches.size);
  assert.deepEqual(
    [...impossibleBranches, ...Object.keys(unseenReasons)].filter((branch) => !all.unseen.includes(branch)),
    [],
  );
});

test('at most ten answers or branches of schemas are not seen', () => {
  assert.ok(Object.keys(unseenReasons).length <= 10);
  for (const reason of [
    ...Object.values(alwaysSent),
    ...Object.values(unseenReasons),
    ...Object.values(unneededReasons),
  ])
    assert.ok(reason.length > 20, reason);
});
