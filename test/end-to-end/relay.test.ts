/**
 * Two deployments that are not each other's peers: a connector between them forwards their packets. It has an address
 * that is not above theirs, so that each names its routes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type IlpRelay, startIlpRelay } from '../support/ilp-relay.ts';
import { createPayer, type Payer } from '../support/payer.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { bookOf, eventually } from './support/books.ts';

const tokens = {
  granite: { incomingToken: 'what-the-relay-shows-to-granite', outgoingToken: 'what-granite-shows-to-the-relay' },
  marble: { incomingToken: 'what-the-relay-shows-to-marble-', outgoingToken: 'what-marble-shows-to-the-relay-' },
};
const graniteMaximum = 600n;
const marbleMaximum = 250n;

let relay: IlpRelay;
let granite: TestWorld;
let marble: TestWorld;
let payer: Payer;

function startBehindRelay(name: 'granite' | 'marble', other: string, maxPacketAmount: bigint): Promise<TestWorld> {
  const elsewhere = { prefix: 'test.relay', endpoint: relay.origin, ...tokens[name] };
  const peers = [{ name: 'relay', routes: [`test.${other}`], elsewhere }];
  const ases = defaultWorld.ases.map((ase) => (ase.name === name ? { ...ase, peers } : ase));
  return startWorld({ only: name, definition: { ...defaultWorld, maxPacketAmount, ases } });
}

before(async () => {
  const callers = Object.values(tokens).map(({ outgoingToken }) => outgoingToken);
  relay = await startIlpRelay('test.relay', callers);
  marble = await startBehindRelay('marble', 'granite', marbleMaximum);
  granite = await startBehindRelay('granite', 'marble', graniteMaximum);
  payer = await createPayer(clientEnvironment(granite));
});
after(async () => {
  await Promise.all([granite?.close(), marble?.close()]);
  relay?.close();
});

async function pay(amount: string) {
  const incoming = await payer.receive(`${marble.ases[0]!.origin}/bob`, amount);
  const quote = await payer.quote(incoming);
  const { status, body, text } = await payer.pay(quote.id);
  assert.equal(status, 201, text);
  return { incoming, quote, payment: body.id as string };
}

test('the amount arrives exactly, in packets of a size that the ASE behind the connector takes', async () => {
  relay.routes.push({ prefix: 'test.marble', origin: marble.ases[0]!.origin, token: tokens.marble.incomingToken });
  const { incoming, quote, payment } = await pay('1000');
  await eventually(async () => (await payer.read(payment)).sentAmount.value === quote.debitAmount.value);
  const { receivedAmount } = (await (await fetch(incoming)).json()) as { receivedAmount: { value: string } };
  assert.equal(receivedAmount.value, '1000');
  const [[sender], [receiver]] = await Promise.all([granite.controls.ledgers(), marble.controls.ledgers()]);
  assert.deepEqual([bookOf(sender!, 'peer:relay:EUR:2'), bookOf(receiver!, 'peer:relay:EUR:2')], [1000n, -1000n]);
});

test('a Reject of the connector ends the payment, and the payer gets all back', async () => {
  const before = relay.forwarded();
  const routes = relay.routes.splice(0);
  const { payment } = await pay('100');
  await eventually(async () => (await payer.read(payment)).failed);
  assert.equal((await payer.read(payment)).sentAmount.value, '0');
  assert.equal(relay.forwarded(), before);
  relay.routes.push(...routes);
});
