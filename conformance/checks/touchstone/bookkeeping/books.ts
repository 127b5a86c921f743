/** Bookkeeping over Touchstone's control API: reversals, packets in doubt, statements of peers and the audit log. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../../runner/check.ts';
import { type HostedReceiver, hostReceiver } from '../../../steps/hosted-receiver.ts';
import { type PeerAse, withPeer } from '../../../steps/peer-ase.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  outgoingAccess,
  outgoingToken,
  payQuote,
  waitUntilSettled,
} from '../../../steps/scenarios.ts';
import type { Json } from '../../../steps/signed-client.ts';
import { fulfillmentOf, sha256 } from '../../../steps/stream-packet.ts';

const idOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

/** A receiver at a peer of the sender's ASE. */
const withReceiver = (
  context: CheckContext,
  work: (arranged: { peer: PeerAse; receiver: HostedReceiver; pay(value: string): Promise<Json> }) => Promise<void>,
): Promise<void> =>
  withPeer(context, context.sender, { asset: context.receiver }, async (peer) => {
    const receiver = hostReceiver(peer, { asset: context.receiver });
    const token = await outgoingToken(context);
    const pay = async (value: string) => {
      const quote = await createQuote(context, receiver.url, { receiveAmount: amountOf(context.receiver, value) });
      return payQuote(context, quote.id, token);
    };
    await work({ peer, receiver, pay });
  });

async function ask({ control }: CheckContext, path: string): Promise<Json> {
  const { status, body } = await control.request('GET', path);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function senderBalance(context: CheckContext): Promise<bigint> {
  const wallets: Json[] = (await ask(context, '/')).ases.flatMap(({ walletAddresses }: Json) => walletAddresses);
  return BigInt(wallets.find(({ url }) => url === context.sender.url).balance);
}

/** Waits for the packets of a payment that are in doubt. */
async function packetsInDoubt(context: CheckContext, ase: string, payment: string): Promise<Json[]> {
  for (const end = Date.now() + 25_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { packets } = await ask(context, `${ase}/packets-in-doubt?first=100`);
    const found = packets.filter((packet: Json) => packet.payment === payment);
    if (found.length > 0 || Date.now() > end) return found;
  }
}

export const checks: readonly Check[] = [
  {
    id: 'bookkeeping.reversals',
    rows: ['SET-07'],
    title: 'a deposit and a payment are reversed once, by a transfer with a reason, and the books balance',
    run: async (context) => {
      await withReceiver(context, async ({ peer, pay }) => {
        const { control, receiver: asset } = context;
        const reverse = async (transfer: string) =>
          (await control.request('POST', `${peer.ase}/reversals`, { transfer, reason: 'a check' })).status;
        const account = `check-${randomUUID()}`;
        const { assetCode, assetScale } = context.sender;
        await control.request('POST', `${peer.ase}/accounts`, { id: account, assetCode, assetScale });
        await control.request('POST', `${peer.ase}/deposits`, { id: account, account, amount: '7' });
        const before = await senderBalance(context);
        const payment = await pay('300');
        await waitUntilSettled(context, payment.id, await outgoingToken(context));
        assert.equal(await peer.balance(asset), 300n);
        assert.equal(await reverse(`deposit:${account}`), 201);
        assert.equal(await reverse(`outgoing:${idOf(payment.id)}`), 201);
        assert.equal(await senderBalance(context), before, 'the payer has all of it again');
        assert.equal(await peer.balance(asset), 0n, 'the peer is owed nothing');
        const { accounts } = await ask(context, `${peer.ase}/accounts`);
        assert.equal(accounts.find(({ id }: Json) => id === account).balance, '0');
        assert.equal(await reverse(`deposit:${account}`), 409, 'twice');
        assert.equal(await reverse(`outgoing:${idOf(payment.id)}`), 409, 'twice');
        assert.equal(await reverse(`outgoing:${idOf(payment.id)}:hold`), 400, 'a part of it');
        const { transfers } = await ask(context, `${peer.ase}/reversals?first=100`);
        const named = transfers.filter(({ reverses }: Json) => reverses === `deposit:${account}`);
        assert.deepEqual(
          named.map(({ reason }: Json) => reason),
          ['a check'],
        );
      });
    },
  },
  {
    id: 'bookkeeping.in-doubt',
    rows: ['ILP-18', 'SET-07'],
    title: 'a packet whose answer is lost is listed, and resolved by the proof that the peer gives the operator',
    run: async (context) => {
      await withReceiver(context, async ({ peer, receiver, pay }) => {
        const { control, receiver: asset } = context;
        receiver.answer = (packet) => {
          receiver.accept(packet);
          return 'vanish';
        };
        const payment = await pay('90');
        const [packet, ...others] = await packetsInDoubt(context, peer.ase, idOf(payment.id));
        assert.ok(packet && others.length === 0, 'one packet is in doubt');
        assert.deepEqual([packet.peer, packet.amount], [peer.name, '90']);
        const statement = await ask(context, `${peer.ase}/peers/${peer.name}/statement`);
        assert.deepEqual([statement.peerAddress, statement.packetsInDoubt], [peer.prefix, [packet]]);
        assert.ok(statement.accounts.every(({ balance }: Json) => balance === '0'));

        const resolve = async (resolution: Json) =>
          (
            await control.request(
              'POST',
              `${peer.ase}/packets-in-doubt/${packet.payment}/${packet.condition}`,
              resolution,
            )
          ).status;
        const secret = Buffer.from(receiver.payment.methods[0].sharedSecret, 'base64url');
        const fulfillment = fulfillmentOf(secret, receiver.packets[0]!.data).toString('base64url');
        const wrong = randomBytes(32).toString('base64url');
        assert.equal(await resolve({ fate: 'fulfilled', fulfillment: wrong }), 400, 'no proof');
        assert.equal(await resolve({ fate: 'rejected', reason: 'a guess' }), 409, 'it may still be booked');
        assert.equal(await peer.balance(asset), 0n, 'nothing was booked by that');
        assert.equal(await resolve({ fate: 'fulfilled', fulfillment }), 200);
        const end = await waitUntilSettled(context, payment.id, await outgoingToken(context));
        assert.deepEqual([end.failed, end.sentAmount], [false, end.debitAmount]);
        assert.equal(await peer.balance(asset), 90n, 'once');
        assert.equal(await resolve({ fate: 'fulfilled', fulfillment }), 409, 'its fate is known');
        const left = await ask(context, `${peer.ase}/packets-in-doubt?first=100`);
        assert.ok(left.packets.every(({ condition }: Json) => condition !== packet.condition));
      });
    },
  },
  {
    id: 'bookkeeping.peer-statement',
    rows: ['ILP-18', 'SET-07'],
    title: 'a peer learns the booked amount and proof of a packet that it sent, and nothing else',
    run: async (context) => {
      const { receiver: party, control } = context;
      await withPeer(context, party, { asset: party }, async (peer) => {
        const incoming = await createIncomingPayment(context, { value: '55' });
        const [credentials] = incoming.methods;
        const answer = await peer.send(credentials, { amount: 55n });
        assert.ok(answer.kind === 'fulfill');
        const condition = sha256(answer.fulfillment).toString('base64url');
        const path = `${peer.ase}/peers/${peer.name}`;
        const { amount, fulfillment, incomingPayment } = await ask(context, `${path}/packets/${condition}`);
        assert.deepEqual(
          [amount, fulfillment, incomingPayment],
          ['55', answer.fulfillment.toString('base64url'), idOf(incoming.id)],
        );
        const unknown = randomBytes(32).toString('base64url');
        assert.equal((await control.request('GET', `${path}/packets/${unknown}`)).status, 404);
        const { assetCode, assetScale } = party;
        assert.deepEqual((await ask(context, `${path}/statement`)).accounts, [
          { assetCode, assetScale, balance: '-55' },
        ]);
        const packet = `packet:${peer.name}:${condition}:in`;
        const reversal = { transfer: packet, reason: 'the peer has taken it back' };
        assert.equal((await control.request('POST', `${peer.ase}/reversals`, reversal)).status, 201);
        assert.equal(await peer.balance(party), 0n);
      });
    },
  },
  {
    id: 'bookkeeping.who-did-what',
    rows: ['RS-G-07'],
    title: 'payments and tokens are listed by grant, and operator changes in an audit log without secrets',
    run: async (context) => {
      const { sender, target, control } = context;
      const incoming = await createIncomingPayment(context, { value: '40' });
      const grant = await grantOutgoing(context, outgoingAccess(sender));
      const token: string = grant.access_token.value;
      const quote = await createQuote(context, incoming.id);
      const payment = await payQuote(context, quote.id, token);
      const settled = await waitUntilSettled(context, payment.id, token);
      const name = (await ask(context, '/')).ases.find(
        ({ resourceServer }: Json) => resourceServer === sender.resourceServer,
      ).name;
      const ase = `/ases/${name}`;
      const { grants } = await ask(context, `${ase}/grants?first=100`);
      const found: Json[] = [];
      for (const { id } of grants) {
        const { payments } = await ask(context, `${ase}/grants/${id}/payments`);
        if (payments.some((each: Json) => each.id === idOf(payment.id))) found.push({ id, payments });
      }
      assert.equal(found.length, 1, 'one grant has the payment');
      const [{ id, payments }] = found as [Json];
      assert.deepEqual(
        payments.map(({ type, client, walletAddress, state, amount, moved }: Json) => ({
          ...{ type, client, walletAddress, state, amount, moved },
        })),
        [
          {
            ...{ type: 'outgoing-payment', client: target.client, walletAddress: sender.url, state: 'completed' },
            ...{ amount: quote.debitAmount.value, moved: settled.sentAmount.value },
          },
        ],
      );
      const url = `${sender.resourceServer}/outgoing-payment-grant`;
      const spent = await context.call({ operation: 'get-outgoing-payment-grant', url, token });
      assert.equal(spent.body.spentDebitAmount.value, settled.sentAmount.value, 'the grant says the same');
      const detail = await ask(context, `${ase}/grants/${id}`);
      assert.deepEqual([detail.client, detail.tokens.length], [target.client, 1]);
      assert.ok(!JSON.stringify(detail).includes(token), 'the token is not shown');

      const secret = randomBytes(24).toString('hex');
      const hook = 'http://localhost:1/hook';
      assert.equal((await control.request('PUT', `${ase}/webhook`, { url: hook, secret })).status, 200);
      assert.equal((await control.request('DELETE', `${ase}/webhook`)).status, 204);
      const { actions } = await ask(context, `${ase}/actions?first=2`);
      const told = actions.map(({ operation, status, detail }: Json) => ({ operation, status, detail }));
      assert.deepEqual(
        told.toSorted((a: Json, b: Json) => b.status - a.status),
        [
          { operation: 'remove-webhook', status: 204, detail: {} },
          { operation: 'set-webhook', status: 200, detail: { url: hook } },
        ],
        'without the secret',
      );
    },
  },
];
