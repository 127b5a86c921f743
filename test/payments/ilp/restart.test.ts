/**
 * Credentials need no memory (ILP-09): what an ASE handed out before it was stopped still receives after a start on the
 * same data, and a packet that was booked before keeps its answer (ILP-18).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import { createStreamPrepare } from '../../../src/payments/ilp/stream-sender.ts';
import { controlOf } from '../../support/administration.ts';
import { findFreePort } from '../../support/free-port.ts';
import { send } from '../../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../../support/world.ts';

const token = 'from-elsewhere-to-marble-0001';

async function createIncomingPayment(world: TestWorld) {
  const environment = clientEnvironment(world);
  const { authServer, resourceServer } = world.ases.find(({ name }) => name === 'marble')!;
  const access = [{ type: 'incoming-payment', actions: ['create'] }];
  const grant = { client: environment.client, access_token: { access } };
  const granted = await send(environment, { method: 'POST', url: authServer, body: grant });
  const created = await send(environment, {
    method: 'POST',
    url: `${resourceServer}/incoming-payments`,
    token: granted.body.access_token.value,
    body: { walletAddress: environment.receiver, incomingAmount: { value: '100', assetCode: 'EUR', assetScale: 2 } },
  });
  assert.equal(created.status, 201, created.text);
  const [{ ilpAddress, sharedSecret }] = created.body.methods;
  return { id: created.body.id.split('/').at(-1), ilpAddress, sharedSecret };
}

test('what was handed out before a restart receives after it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-restart-'));
  const port = await findFreePort(100);
  const start = () => startWorld({ port, database: { kind: 'embedded', directory } });
  const give = async (world: TestWorld, prepare: Buffer) => {
    const response = await fetch(`${world.ases.find(({ name }) => name === 'marble')!.resourceServer}/ilp/EUR/2`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(prepare),
    });
    assert.equal(response.status, 200);
    return Buffer.from(await response.arrayBuffer());
  };
  try {
    const first = await start();
    const peer = {
      ...{ name: 'elsewhere', prefix: 'test.elsewhere', endpoint: 'http://localhost:1', maxPacketAmount: '1000' },
      ...{ incomingToken: token, outgoingToken: 'from-marble-to-elsewhere-0001' },
    };
    assert.equal((await controlOf(first)('POST', '/ases/marble/peers', peer)).status, 201);
    const { id, ilpAddress, sharedSecret } = await createIncomingPayment(first);
    const makePacket = async (sequence: number, amount: bigint) => {
      const connection = { address: ilpAddress, sharedSecret: Buffer.from(sharedSecret, 'base64url') };
      return (await createStreamPrepare({ ...connection, sequence, amount, expiresAt: Date.now() + 30_000 })).prepare;
    };
    const booked = await makePacket(1, 40n);
    const answer = await give(first, booked);
    assert.ok(isFulfill(deserializeIlpReply(answer)));
    await first.close();

    const second = await start();
    try {
      assert.deepEqual(await give(second, booked), answer, 'the same answer, byte for byte');
      assert.ok(isFulfill(deserializeIlpReply(await give(second, await makePacket(2, 60n)))));
      const row = await second.db.query
        .selectFrom('incoming_payment')
        .select(['received_amount', 'completed'])
        .where('ase', '=', 'marble')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      assert.deepEqual([String(row.received_amount), row.completed], ['100', true]);
    } finally {
      await second.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
