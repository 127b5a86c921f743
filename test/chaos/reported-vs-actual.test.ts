/** Differences between what clients read and the final state are found: missing, changed, duplicate and failed payments. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Intention } from './clients.ts';
import { findUntruths } from './reported-vs-actual.ts';

const payment = {
  id: 'http://granite/outgoing-payments/1',
  receiver: 'http://marble/incoming-payments/1',
  failed: false,
  debitAmount: { value: '10' },
  receiveAmount: { value: '9' },
  sentAmount: { value: '10' },
};
const created: Intention = { mark: 'a', kind: 'fixed send', ase: 'granite', token: 't', outcome: 'created', payment };
const refused: Intention = { mark: 'b', kind: 'shared', ase: 'granite', token: 't', outcome: 'refused' };
const unknown: Intention = { mark: 'c', kind: 'shared', ase: 'granite', token: 't', outcome: 'unknown' };

/** Rules found broken, where the payments of these marks are there and calls are answered so. */
async function findBroken(marks: string[], failures: string[] = [], answer: object | null = payment, balanced = true) {
  mock.method(globalThis, 'fetch', async () => Response.json({ ases: [{ name: 'granite', balanced }] }));
  const insist = async ({ url }: { url: string }) => {
    if (answer === null) throw new Error('gone');
    return url.includes('incoming') ? { receivedAmount: {}, ...answer } : answer;
  };
  const query = async (_database: string, sql: string) =>
    sql.includes('failure') ? failures.map((mark) => ({ mark, failure: 'no_route' })) : marks.map((mark) => ({ mark }));
  const findings = await findUntruths({
    client: { insist } as never,
    postgres: { query } as never,
    fleet: { readyOf: () => ({ env: {} }) } as never,
    ases: ['granite'],
    intentions: [created, refused, unknown],
    incomingPayments: ['http://marble/incoming-payments/1'],
    controlToken: 'token',
  });
  mock.restoreAll();
  return findings.filter(({ broken }) => broken.length > 0).map(({ rule }) => rule.slice(0, 24));
}

test('finds nothing when the state matches the answers', async () => {
  assert.deepEqual(await findBroken(['a']), []);
  assert.deepEqual(await findBroken(['a', 'c'], ['c']), []);
});

test('finds a payment that is missing, differs from the answer, or was neither sent nor failed', async () => {
  const lost = 'every payment that was c';
  assert.deepEqual(await findBroken(['a'], [], null), [lost, 'every incoming payment t']);
  assert.deepEqual(await findBroken(['a'], [], { ...payment, debitAmount: { value: '11' } }), [lost]);
  assert.deepEqual(await findBroken(['a'], [], { ...payment, sentAmount: { value: '0' } }), [lost]);
});

test('a payment that was made twice, not at all, or although it was refused', async () => {
  for (const marks of [['a', 'a'], [], ['a', 'b'], ['a', 'c', 'c']]) {
    assert.deepEqual(await findBroken(marks), ['an intention became one ']);
  }
});

test('a payment that failed although it was alone', async () => {
  assert.deepEqual(await findBroken(['a'], ['a']), ['no payment failed for an']);
});

test('books that do not balance', async () => {
  assert.deepEqual(await findBroken(['a'], [], payment, false), ['the control API shows ba']);
});
