/** Settings over the control API: fees, prices, peers and secrets apply at once, and tokens and secrets are never returned. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CallControl, controlOf } from '../support/administration.ts';
import { send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;
let control: CallControl;
let origin: string;
before(async () => {
  world = await startWorld();
  environment = clientEnvironment(world);
  control = controlOf(world);
  origin = world.ases[0]!.origin;
});
after(() => world.close());

const granite = '/ases/granite';
async function tokenFor(access: unknown): Promise<string> {
  const auth = `${origin}/auth/`;
  const body = { client: environment.client, access_token: { access: [access] } };
  const answer = await send(environment, { method: 'POST', url: auth, body });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.access_token.value;
}

const createIncomingPayment = (walletAddress: string, token: string) =>
  send(environment, { method: 'POST', url: `${origin}/incoming-payments`, token, body: { walletAddress } });

/** Quote for sending `value` cents from a wallet to a new incoming payment at the other ASE. */
async function quote(value = '1000'): Promise<{ debitAmount: { value: string }; receiveAmount: { value: string } }> {
  const access = { type: 'incoming-payment', actions: ['create', 'read'] };
  const body = { client: environment.client, access_token: { access: [access] } };
  const far = world.ases[1]!;
  const granted = await send(environment, { method: 'POST', url: far.authServer, body });
  const created = await send(environment, {
    method: 'POST',
    url: `${far.resourceServer}/incoming-payments`,
    token: granted.body.access_token.value,
    body: { walletAddress: environment.receiver },
  });
  const answer = await send(environment, {
    method: 'POST',
    url: `${origin}/quotes`,
    token: await tokenFor({ type: 'quote', actions: ['create'] }),
    body: {
      walletAddress: environment.walletAddress,
      receiver: created.body.id,
      method: 'ilp',
      debitAmount: { value, assetCode: 'USD', assetScale: 2 },
    },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

test('fees and prices apply to the next quote', async () => {
  const price = async (prices: unknown) => (await control('PUT', `${granite}/prices`, { prices })).status;
  assert.equal(await price({ USD: '1', EUR: '2' }), 200);
  assert.deepEqual((await control('GET', `${granite}/prices`)).body, { prices: { USD: '1', EUR: '2' } });
  assert.equal((await quote()).receiveAmount.value, '500');
  for (const bad of ['0', '0.0', '-1', '1e3', '', 1]) assert.equal(await price({ USD: bad }), 400, `${bad}`);
  const fee = (terms: unknown, asset = 'USD/2') => control('PUT', `${granite}/fees/${asset}`, terms);
  assert.equal((await fee({ basisPoints: 100, fixed: '10' })).status, 200);
  assert.equal((await quote()).receiveAmount.value, '490');
  for (const bad of [
    { basisPoints: 10_000, fixed: '0' },
    { basisPoints: -1, fixed: '0' },
    { basisPoints: 1.5, fixed: '0' },
    { basisPoints: 0, fixed: '-1' },
    { basisPoints: 0, fixed: '18446744073709551616' },
  ]) {
    assert.equal((await fee(bad)).status, 400, JSON.stringify(bad));
  }
  assert.equal((await fee({ basisPoints: 0, fixed: '0' }, 'USD/256')).status, 400);
  const { fees } = (await control('GET', `${granite}/fees`)).body;
  assert.deepEqual(fees, [{ assetCode: 'USD', assetScale: 2, basisPoints: 100, fixed: '10' }]);
  assert.equal(await price({ USD: '1', EUR: '1.0869' }), 200);
  assert.equal((await fee({ basisPoints: 0, fixed: '0' })).status, 200);
});

test('peers are added, changed and removed; their tokens are never returned', async () => {
  const peer = {
    name: 'basalt',
    prefix: 'test.basalt',
    endpoint: 'http://localhost:1',
    incomingToken: 'token-of-basalt-in',
    outgoingToken: 'token-of-basalt-out',
    maxPacketAmount: '100',
    balanceLimit: '5000',
    answersRepeats: true,
    routes: ['test.behind-basalt'],
  };
  const { incomingToken: _in, outgoingToken: _out, ...shown } = peer;
  const created = await control('POST', `${granite}/peers`, peer);
  assert.deepEqual([created.status, created.body], [201, shown]);
  assert.equal((await control('POST', `${granite}/peers`, peer)).status, 409);
  for (const bad of [
    { name: 'Basalt' },
    { prefix: 'test.granite' },
    { prefix: 'test.granite.x' },
    { prefix: 'nowhere' },
    { endpoint: 'http://localhost:1/path' },
    { endpoint: 'ftp://localhost' },
    { endpoint: 'http://user@localhost' },
    { incomingToken: 'short' },
    { maxPacketAmount: '0' },
    { balanceLimit: '-1' },
    { routes: ['nowhere'] },
    { routes: ['test.granite.x'] },
  ]) {
    const answer = await control('POST', `${granite}/peers`, {
      ...peer,
      name: 'quartz',
      prefix: 'test.quartz',
      ...bad,
    });
    assert.equal(answer.status, 400, JSON.stringify(bad));
  }
  for (const taken of [
    { prefix: 'test.basalt' },
    { prefix: 'test.behind-basalt' },
    { routes: ['test.basalt'] },
    { routes: ['test.x', 'test.behind-basalt'] },
    { incomingToken: peer.incomingToken },
  ]) {
    const free = { name: 'quartz', prefix: 'test.quartz', routes: [], incomingToken: 'token-of-quartz-in' };
    const other = { ...peer, ...free, ...taken };
    assert.equal((await control('POST', `${granite}/peers`, other)).status, 409, JSON.stringify(taken));
  }
  const path = `${granite}/peers/basalt`;
  assert.deepEqual((await control('PATCH', path, { balanceLimit: null })).body, { ...shown, balanceLimit: null });
  assert.equal((await control('PATCH', path, { prefix: 'test.marble' })).status, 409);
  assert.equal((await control('PATCH', path, { routes: ['test.marble'] })).status, 409);
  assert.equal((await control('PATCH', `${granite}/peers/quartz`, { maxPacketAmount: '1' })).status, 404);
  const packet = (token: string) =>
    fetch(`${origin}/ilp/USD/2`, { method: 'POST', headers: { authorization: `Bearer ${token}` } }).then(
      (r) => r.status,
    );
  assert.equal(await packet(peer.incomingToken), 400, 'authenticated, but not a packet');
  await control('PATCH', path, { incomingToken: 'another-token-of-basalt' });
  assert.deepEqual([await packet(peer.incomingToken), await packet('another-token-of-basalt')], [401, 400]);
  const listed = await control('GET', `${granite}/peers`);
  assert.deepEqual(
    listed.body.peers.map(({ name }: { name: string }) => name),
    ['basalt', 'marble'],
  );
  assert.ok(!listed.text.includes('oken'));
  assert.equal((await control('DELETE', path)).status, 204);
  assert.equal((await control('DELETE', path)).status, 404);
  assert.equal(await packet('another-token-of-basalt'), 401);
});

test('a receiver without a route is rejected until the peer is added again', async () => {
  const { peers } = (await control('GET', `${granite}/peers`)).body;
  const path = `${granite}/peers/marble`;
  await control('PATCH', path, { prefix: 'test.elsewhere' });
  await assert.rejects(quote(), /invalid receiver/);
  await control('PATCH', path, { prefix: peers[0].prefix });
  assert.equal((await quote()).debitAmount.value, '1000');
});

test('a new secret makes new credentials; old ones keep working and secrets are never returned (ILP-09)', async () => {
  const token = await tokenFor({ type: 'incoming-payment', actions: ['create', 'read'] });
  const { body: payment } = await createIncomingPayment(environment.walletAddress, token);
  const read = async () => (await send(environment, { method: 'GET', url: payment.id, token })).body.methods[0];
  const before = await read();
  assert.deepEqual((await control('GET', `${granite}/secrets`)).body, { secrets: [{ version: 1, current: true }] });
  const added = await control('POST', `${granite}/secrets`);
  assert.deepEqual([added.status, added.body], [201, { version: 2, current: true }]);
  assert.deepEqual((await control('GET', `${granite}/secrets`)).body.secrets[0], { version: 1, current: false });
  const now = await read();
  assert.notEqual(now.ilpAddress, before.ilpAddress);
  assert.notEqual(now.sharedSecret, before.sharedSecret);
  assert.deepEqual(now, await read());
});
