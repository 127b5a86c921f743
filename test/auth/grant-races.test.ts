/** What happens at once, on PostgreSQL, whose transactions run side by side (AS-117, AS-147, AS-131). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCaller } from '../../src/auth/caller.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { type Answer, createTestClient, type OneAuthServer, startAuthServer } from './one-auth-server.ts';

const client = createTestClient('shop');
let as: OneAuthServer;
let drop: () => Promise<void>;

before(async () => {
  if (needsPostgres) return;
  const database = await createTestDatabase();
  drop = database.drop;
  as = await startAuthServer(() => openDatabase({ kind: 'postgresql', url: database.url }));
  as.world.keys.set(client.walletAddress, [client.jwk]);
  as.world.names.set(client.walletAddress, 'The Shop');
});
after(async () => {
  if (needsPostgres) return;
  await as.close();
  await drop();
});

const request = async (body: object) =>
  (await as.send({ url: as.authServer, by: client, body: { client: client.walletAddress, ...body } })).body;
const statusesOf = (answers: Answer[]): number[] => answers.map(({ status }) => status).sort();
const atOnce = (count: number, send: () => Promise<Answer>) => Promise.all(Array.from({ length: count }, send));
const quote = { access_token: { access: [{ type: 'quote', actions: ['create'] }] } };

test('AS-117: one reference brings one token', { skip: needsPostgres }, async () => {
  const outgoing = { type: 'outgoing-payment', actions: ['create'], identifier: as.alice };
  const finish = { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' };
  const grant = await request({ access_token: { access: [outgoing] }, interact: { start: ['redirect'], finish } });
  const starts = await atOnce(4, () => as.send({ method: 'GET', url: grant.interact.redirect }));
  const refs = starts.map(({ headers }) => new URL(headers.get('location')!).searchParams.get('interact_ref'));
  const [interactRef, ...others] = refs.filter((ref) => ref !== null);
  assert.deepEqual([typeof interactRef, others], ['string', []], 'only one start decides');
  const { uri, access_token } = grant.continue;
  const body = { interact_ref: interactRef };
  const answers = await atOnce(6, () => as.send({ url: uri, token: access_token.value, by: client, body }));
  assert.deepEqual(statusesOf(answers), [200, 401, 401, 401, 401, 401]);
});

test('AS-147: of rotations at once, one succeeds', { skip: needsPostgres }, async () => {
  const { access_token: token } = await request(quote);
  const answers = await atOnce(6, () => as.send({ url: token.manage, token: token.value, by: client }));
  const [first, ...others] = statusesOf(answers);
  assert.equal(first, 200);
  for (const status of others) assert.ok([401, 404].includes(status), `${status}`);
});

test('AS-131: no token outlives a cancelled grant, rotated meanwhile or not', { skip: needsPostgres }, async () => {
  for (let round = 0; round < 10; round++) {
    const { access_token: token, continue: continuation } = await request(quote);
    const cancel = { method: 'DELETE', url: continuation.uri, token: continuation.access_token.value, by: client };
    const [rotated, cancelled] = await Promise.all([
      as.send({ url: token.manage, token: token.value, by: client }),
      as.send(cancel),
    ]);
    assert.equal(cancelled.status, 204);
    for (const value of [token.value, rotated.body?.access_token?.value]) {
      if (value) assert.equal(await findCaller(as.db.query, 'granite', value, as.world.now), undefined);
    }
  }
});
