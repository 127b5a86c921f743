/** A packet whose answer the sender never gets. */
import assert from 'node:assert/strict';
import { controlOf } from './administration.ts';
import { createPayer } from './payer.ts';
import { clientEnvironment, type TestWorld } from './world.ts';

/**
 * Pays 40 from granite to marble, with automatic consent. Each packet meets a fault of the kind, also afterwards, or
 * else a later attempt would get the answer. Returns the payment and the condition of its packet.
 */
export async function createPacketInDoubt(
  world: TestWorld,
  kind: 'after-commit' | 'reset',
): Promise<{ readonly payment: string; readonly condition: string }> {
  const control = controlOf(world);
  const fault = { operation: 'send-packet', ase: 'granite', kind, times: 1_000_000 };
  assert.equal((await control('PUT', '/faults', fault)).status, 200);
  const environment = clientEnvironment(world);
  const payer = await createPayer(environment);
  const quote = await payer.quote(await payer.receive(environment.receiver, '40'));
  const { status, body } = await payer.pay(quote.id);
  assert.equal(status, 201);
  await world.settled();
  const { packets } = (await control('GET', '/ases/granite/packets-in-doubt')).body;
  return packets.find(({ payment }: { payment: string }) => body.id.endsWith(payment));
}
