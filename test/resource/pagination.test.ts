/** Cursor pagination of payments (RS-L-01…17). */
import assert from 'node:assert/strict';
import { before, beforeEach, describe, test } from 'node:test';
import { type Answer, assertError, full, start, useResourceServers } from './support/two-resource-servers.ts';

const { servers, granite, marble } = useResourceServers();
let token: string;
beforeEach(() => {
  token = granite.issue([full.incoming()]);
});

describe('lists', () => {
  const list = (query: string, more: object = {}) =>
    granite.call({ path: `/incoming-payments?${query}`, token, ...more });
  const bob = () => `wallet-address=${encodeURIComponent(granite.bob)}`;
  let own: string[] = [];
  let all: string[] = [];
  before(async () => {
    token = granite.issue([full.incoming()]);
    const other = granite.issue([full.incoming()], 'https://client.example/other');
    const body = { walletAddress: granite.bob };
    const made: { id: string; createdAt: string; other: boolean }[] = [];
    for (let i = 0; i < 9; i++) {
      servers.clock.setting = { mode: 'frozen', offset: 0, at: start + Math.floor(i / 3) };
      const isOther = i % 4 === 3;
      const answer = await granite.call({ path: '/incoming-payments', token: isOther ? other : token, body });
      made.push({ id: answer.body.id, createdAt: answer.body.createdAt, other: isOther });
    }
    const newestFirst = made.toSorted((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? 1 : -1));
    all = newestFirst.map(({ id }) => id);
    own = newestFirst.filter(({ other: isOther }) => !isOther).map(({ id }) => id);
  });
  const ids = (answer: Answer): string[] => answer.body.result.map(({ id }: { id: string }) => id);

  test('show the client its own payments, newest first, without methods', async () => {
    const answer = await list(bob());
    assert.deepEqual(ids(answer), own);
    assert.equal('methods' in answer.body.result[0], false);
    const { startCursor, endCursor, ...flags } = answer.body.pagination;
    assert.deepEqual(flags, { hasNextPage: false, hasPreviousPage: false });
    assert.ok(startCursor && endCursor && startCursor !== endCursor);
    assert.deepEqual(ids(await list(`wallet-address=${granite.bob}`)), own);
  });

  test('show all payments with list-all', async () => {
    token = granite.issue([{ type: 'incoming-payment', actions: ['list-all'] }], 'https://client.example/third');
    assert.deepEqual(ids(await list(bob())), all);
  });

  test('page forward and backward', async () => {
    const pages: Answer[] = [];
    for (let query = `first=3&${bob()}`; ; ) {
      const page = await list(query);
      pages.push(page);
      if (!page.body.pagination.hasNextPage) break;
      query = `first=3&cursor=${page.body.pagination.endCursor}&${bob()}`;
    }
    assert.deepEqual(pages.flatMap(ids), own);
    assert.deepEqual(
      pages.map(({ body }) => body.pagination.hasPreviousPage),
      [false, true, true],
    );
    const back = await list(`last=2&cursor=${pages[2]!.body.pagination.startCursor}&${bob()}`);
    assert.deepEqual(ids(back), own.slice(4, 6));
    assert.deepEqual([back.body.pagination.hasNextPage, back.body.pagination.hasPreviousPage], [true, true]);
    const first = await list(`last=100&cursor=${back.body.pagination.startCursor}&${bob()}`);
    assert.deepEqual(ids(first), own.slice(0, 4));
    assert.deepEqual([first.body.pagination.hasNextPage, first.body.pagination.hasPreviousPage], [true, false]);
    const beyond = await list(`cursor=${pages[2]!.body.pagination.endCursor}&${bob()}`);
    assert.deepEqual(beyond.body, { pagination: { hasNextPage: false, hasPreviousPage: true }, result: [] });
  });

  test('yield each payment once, even if others are created in between', async () => {
    const walletAddress = granite.bob;
    const client = granite.issue([full.incoming()], 'https://client.example/pages');
    const make = async (at: number): Promise<string> => {
      servers.clock.setting = { mode: 'frozen', offset: 0, at: start + at };
      return (await granite.call({ path: '/incoming-payments', token: client, body: { walletAddress } })).body.id;
    };
    const before = [];
    for (let i = 0; i < 5; i++) before.push(await make(i >> 1));
    const seen: string[] = [];
    for (let query = `first=2&${bob()}`; ; ) {
      const page = await list(query, { token: client });
      seen.push(...ids(page));
      if (!page.body.pagination.hasNextPage) break;
      await make(1000 + seen.length);
      query = `first=2&cursor=${page.body.pagination.endCursor}&${bob()}`;
    }
    assert.deepEqual(seen.toSorted(), before.toSorted());
  });

  test('with one payment have a previous page after it', async () => {
    const client = granite.issue([full.incoming()], 'https://client.example/one');
    const body = { walletAddress: granite.bob };
    await granite.call({ path: '/incoming-payments', token: client, body });
    const { endCursor } = (await list(bob(), { token: client })).body.pagination;
    const behind = await list(`cursor=${endCursor}&${bob()}`, { token: client });
    assert.deepEqual(behind.body, { pagination: { hasNextPage: false, hasPreviousPage: true }, result: [] });
  });

  test('may be empty', async () => {
    const others = marble.issue([full.incoming()]);
    const answer = await marble.call({ path: `/incoming-payments?wallet-address=${marble.origin}/bob`, token: others });
    assert.deepEqual(answer.body, { pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] });
  });

  test('reject the cursors of other lists', async () => {
    const { endCursor } = (await list(`first=1&${bob()}`)).body.pagination;
    assertError(await list(`cursor=${endCursor}&wallet-address=${granite.alice}`), 400, 'unknown cursor');
    const listAll = granite.issue([{ type: 'incoming-payment', actions: ['list-all'] }]);
    assertError(await list(`cursor=${endCursor}&${bob()}`, { token: listAll }), 400, 'unknown cursor');
    const changed = (endCursor[0] === 'A' ? 'B' : 'A') + endCursor.slice(1);
    for (const cursor of [
      'abc',
      changed,
      `${endCursor}=`,
      'A'.repeat(43),
      '%00',
      '00000000-0000-4000-8000-000000000000',
    ]) {
      assertError(await list(`cursor=${cursor}&${bob()}`), 400, 'unknown cursor');
    }
  });

  for (const query of [
    'first=0',
    'first=101',
    'first=abc',
    'first=10.0',
    'first=%2B5',
    'first=+5',
    'first=',
    'first=1&first=2',
    'first=01',
    'last=1',
    'first=1&last=1&cursor=x',
    'cursor=',
    'cursor=a&cursor=b',
    'first=1e1',
  ]) {
    test(`reject ?${query}`, async () => assertError(await list(`${query}&${bob()}`), 400, /./));
  }

  test('ignore unknown parameters in the profile compat (OPI-095)', async () => {
    for (const query of ['unknown=1', 'first[]=1']) assert.equal((await list(`${query}&${bob()}`)).status, 200);
  });

  test('require a wallet address of this ASE', async () => {
    assertError(await list(''), 400, /wallet-address/);
    assertError(await list('wallet-address='), 400, /./);
    assertError(await list('wallet-address=%00'), 400, 'Could not get wallet address');
    assertError(await list('wallet-address=nonsense'), 400, 'Could not get wallet address');
    assertError(await list(`${bob()}&${bob()}`), 400, /./);
  });
});
