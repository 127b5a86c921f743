/** Requests that read from the replica, and the changes that requests note. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Replica, ReplicaState } from '../../src/database/replica.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { controlOf } from '../support/administration.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
/** Subjects, in the order of the calls. */
let reads: string[];
let changes: string[];

before(async () => {
  // The keys of clients are read once, however slow the machine is: that would be one more read of a wallet address.
  world = await startWorld({ definition: { ...defaultWorld, switches: { clientKeyMaxAgeMs: 3_600_000 } } });
  const watched: Partial<Replica> = {
    read(subject, work) {
      reads.push(subject);
      return work(world.db.query);
    },
    noteChange: (subject) => void changes.push(subject),
    noteChangeOfAll: () => void changes.push('all'),
  };
  Object.assign(world.db.replica, watched);
});
after(() => world.close());

async function expect(call: () => Promise<unknown>, expected: { reads?: string[]; changes?: string[] }): Promise<void> {
  [reads, changes] = [[], []];
  await call();
  assert.deepEqual({ reads, changes }, { reads: [], changes: [], ...expected });
}

test('lists and public reads go to the replica, other reads do not; changes are noted before the answer', async () => {
  [reads, changes] = [[], []];
  const environment = clientEnvironment(world);
  const { rs, payer, tokens, incomingPayment, quote, outgoingPayment } = await prepareResources(world, environment);
  const mine = [`granite ${environment.client}`];
  const call = (method: string, url: string, token: string, body?: object) => async () => {
    const { status, text } = await send(environment, { method, url, token, ...(body && { body }) });
    assert.ok(status < 300, text);
  };
  const get = (url: string) => async () => assert.equal((await fetch(url)).status, 200);
  const list = (collection: string) => `${rs}/${collection}?wallet-address=${encodeURIComponent(payer)}`;

  await expect(get(payer), { reads: ['granite'] });
  await expect(get(`${environment.client}/jwks.json`), { reads: ['granite'] });
  await expect(get(`${environment.client}/did.json`), { reads: ['granite'] });
  await expect(get(incomingPayment), { reads: ['granite'] });
  await expect(call('GET', list('incoming-payments'), tokens.incoming), { reads: mine });
  await expect(call('GET', list('outgoing-payments'), tokens.outgoing), { reads: mine });

  await expect(call('GET', incomingPayment, tokens.incoming), {});
  await expect(call('GET', quote, tokens.quote), {});
  await expect(call('GET', outgoingPayment, tokens.outgoing), {});

  await expect(call('POST', `${rs}/incoming-payments`, tokens.incoming, { walletAddress: payer }), { changes: mine });
  const quoted = { walletAddress: payer, receiver: incomingPayment, method: 'ilp' };
  const amount = { value: '1', assetCode: 'USD', assetScale: 2 };
  await expect(call('POST', `${rs}/quotes`, tokens.quote, { ...quoted, receiveAmount: amount }), { changes: mine });
  await expect(call('POST', `${rs}/outgoing-payments`, tokens.outgoing, { walletAddress: payer, quoteId: quote }), {
    changes: mine,
  });
  await expect(call('POST', `${incomingPayment}/complete`, tokens.incoming), { changes: mine });
});

test('the lag of the replica is a metric: infinite while it is not used, and absent without one', async () => {
  const lag = async (state: ReplicaState | undefined) => {
    Object.assign(world.db.replica, { state: () => state });
    const headers = { authorization: `Bearer ${world.controlToken}` };
    const text = await (await fetch(`${world.controlUrl}/metrics`, { headers })).text();
    return /^touchstone_database_replica_lag_seconds (.*)$/m.exec(text)?.[1];
  };
  assert.equal(await lag(undefined), undefined);
  assert.equal(await lag({ isUsed: true, lagMs: 1500 }), '1.5');
  assert.equal(await lag({ isUsed: false, lagMs: 3500 }), '+Inf');
  assert.equal(await lag({ isUsed: false, lagMs: undefined }), '+Inf');
});

test('a change over the control API is noted for the public reads of its ASE, and a reset for all', async () => {
  const control = controlOf(world);
  const open = async () => {
    const account = { id: 'replica', assetCode: 'USD', assetScale: 2 };
    assert.equal((await control('POST', '/ases/granite/accounts', account)).status, 201);
  };
  await expect(open, { changes: ['granite'] });
  await expect(async () => assert.equal((await control('GET', '/ases/granite/accounts')).status, 200), {});
  [reads, changes] = [[], []];
  assert.ok((await control('POST', '/reset')).status < 300);
  assert.ok(changes.includes('all'));
});
