/** Lists by cursor (RS-L-01…17). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  type Answer,
  full,
  type ResourceWorld,
  start,
  startResourceWorld,
  type TestAse,
} from './support/two-resource-servers.ts';

let world: ResourceWorld;
let granite: TestAse;
let alice: string;
let token: string;
before(async () => {
  world = await startResourceWorld();
  ({ granite } = world);
  alice = `${granite.origin}/alice`;
});
after(() => world.close());
beforeEach(() => {
  token = granite.issue([full.incoming()]);
});

const refused = (answer: Answer, status: number, description: string | RegExp): void => {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  const { error } = answer.body;
  if (typeof description === 'string') assert.equal(error.description, description);
  else assert.match(error.description, description);
};

describe('lists', () => {
  const list = (query: string, more: object = {}) =>
    granite.call({ path: `/incoming-payments?${query}`, token, ...more });
  const bob = () => `wallet-address=${encodeURIComponent(`${granite.origin}/bob`)}`;
  let own: string[] = [];
  let all: string[] = [];
  before(async () => {
    token = granite.issue([full.incoming()]);
    const other = granite.issue([full.incoming()], 'https://client.example/other');
    const body = { walletAddress: `${granite.origin}/bob` };
    const made: { id: string; createdAt: string; other: boolean }[] = [];
    for (let i = 0; i < 9; i++) {
      world.clock.setting = { mode: 'frozen', offset: 0, at: start + Math.floor(i / 3) };
      const isOther = i % 4 === 3;
      const answer = await granite.call({ path: '/incoming-payments', token: isOther ? other : token, body });
      made.push({ id: answer.body.id, createdAt: answer.body.createdAt, other: isOther });
    }
    const newestFirst = made.toSorted((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? 1 : -1));
    all = newestFirst.map(({ id }) => id);
    own = newestFirst.filter(({ other: isOther }) => !isOther).map(({ id }) => id);
  });
  const ids = (answer: Answer): string[] => answer.body.result.map(({ id }: { id: string }) => id);

  test('show own payments, newest first, without methods', async () => {
    const answer = await list(bob());
    assert.deepEqual(ids(answer), own);
    assert.equal('methods' in answer.body.result[0], false);
    const { startCursor, endCursor, ...flags } = answer.body.pagination;
    assert.deepEqual(flags, { hasNextPage: false, hasPreviousPage: false });
    assert.ok(startCursor && endCursor && startCursor !== endCursor);
    assert.deepEqual(ids(await list(`wallet-address=${granite.origin}/bob`)), own);
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

  test('yield each payment once, also when others come in between', async () => {
    const walletAddress = `${granite.origin}/bob`;
    const client = granite.issue([full.incoming()], 'https://client.example/pages');
    const make = async (at: number): Promise<string> => {
      world.clock.setting = { mode: 'frozen', offset: 0, at: start + at };
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

  test('of one payment have it before the page behind it', async () => {
    const client = granite.issue([full.incoming()], 'https://client.example/one');
    const body = { walletAddress: `${granite.origin}/bob` };
    await granite.call({ path: '/incoming-payments', token: client, body });
    const { endCursor } = (await list(bob(), { token: client })).body.pagination;
    const behind = await list(`cursor=${endCursor}&${bob()}`, { token: client });
    assert.deepEqual(behind.body, { pagination: { hasNextPage: false, hasPreviousPage: true }, result: [] });
  });

  test('of nothing are empty', async () => {
    const { granite: _, marble } = world;
    const others = marble.issue([full.incoming()]);
    const answer = await marble.call({ path: `/incoming-payments?wallet-address=${marble.origin}/bob`, token: others });
    assert.deepEqual(answer.body, { pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] });
  });

  test('know only their own cursors', async () => {
    const { endCursor } = (await list(`first=1&${bob()}`)).body.pagination;
    refused(await list(`cursor=${endCursor}&wallet-address=${alice}`), 400, 'unknown cursor');
    const listAll = granite.issue([{ type: 'incoming-payment', actions: ['list-all'] }]);
    refused(await list(`cursor=${endCursor}&${bob()}`, { token: listAll }), 400, 'unknown cursor');
    const changed = (endCursor[0] === 'A' ? 'B' : 'A') + endCursor.slice(1);
    for (const cursor of [
      'abc',
      changed,
      `${endCursor}=`,
      'A'.repeat(43),
      '%00',
      '00000000-0000-4000-8000-000000000000',
    ]) {
      refused(await list(`cursor=${cursor}&${bob()}`), 400, 'unknown cursor');
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
    'unknown=1',
    'first=1e1',
    'first[]=1',
  ]) {
    test(`refuse ?${query}`, async () => refused(await list(`${query}&${bob()}`), 400, /./));
  }

  test('need a wallet address of this ASE', async () => {
    refused(await list(''), 400, /wallet-address/);
    refused(await list('wallet-address='), 400, /./);
    refused(await list('wallet-address=%00'), 400, 'Could not get wallet address');
    refused(await list('wallet-address=nonsense'), 400, 'Could not get wallet address');
    refused(await list(`${bob()}&${bob()}`), 400, /./);
  });
});
