/** Terms of a quote: price, fee, asset scale and expiry. */

import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { balanceOf } from '../../steps/control.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { secondWallet } from '../../steps/parties.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  obtainConsent,
  outgoingAccess,
  outgoingToken,
  passWait,
  payQuote,
  postOutgoingPayment,
  postQuote,
  quoteToken,
  requestInteractiveGrant,
  waitUntilReceived,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { inNewWorld, type NewWorld } from '../../steps/world.ts';

const MAX = (2n ** 64n - 1n).toString();

/** A world of two ASEs: a sender in `from`, a receiver in `to`. */
function withAssets<T>(
  context: CheckContext,
  [from, to]: readonly [string, string],
  work: (world: NewWorld) => Promise<T>,
): Promise<T> {
  const definition = {
    ases: [
      { name: 'slate', wallets: [{ path: '/ann', publicName: 'Ann', asset: from, balance: MAX }] },
      { name: 'chalk', wallets: [{ path: '/ben', asset: to }] },
    ],
    prices: { USD: '1', EUR: '2', XAU: '1000000000000' },
    maxPacketAmount: MAX,
    sender: 'slate/ann',
    receiver: 'chalk/ben',
    client: { wallet: 'slate/ann', keyId: 'key-1' },
  };
  return inNewWorld(context, { definition }, work);
}

const setPrices = async (world: CheckContext, ase: string, prices: Json): Promise<void> =>
  assert.equal((await world.control.request('PUT', `/ases/${ase}/prices`, { prices })).status, 200);

export const checks: readonly Check[] = [
  {
    id: 'quote.keeps-its-terms',
    rows: ['RS-Q-22', 'SET-10', 'ILP-11', 'AMB-34'],
    title: 'a quote keeps its terms when prices and fees change, and lasts a quarter of an hour',
    run: async (context) => {
      await withAssets(context, ['USD/2', 'EUR/2'], async (world) => {
        const token = await outgoingToken(world);
        const { id: receiver } = await createIncomingPayment(world);
        const quote = await createQuote(world, receiver, { debitAmount: amountOf(world.sender, '1000') });
        assert.equal(quote.receiveAmount.value, '500');
        assert.equal(Date.parse(quote.expiresAt) - Date.parse(quote.createdAt), 900_000);
        await setPrices(world, 'slate', { USD: '1', EUR: '4' });
        const fee = { basisPoints: 1000, fixed: '5' };
        assert.equal((await world.control.request('PUT', '/ases/slate/fees/USD/2', fee)).status, 200);
        const read = await world.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(world) });
        assert.deepEqual(expectStatus(read, 200).body, quote);
        const before = await balanceOf(world, world.sender.url);
        await payQuote(world, quote.id, token);
        await waitUntilReceived(world, receiver, '500');
        assert.equal(await balanceOf(world, world.sender.url), before - 1000n);
      });
    },
  },
  {
    id: 'quote.ends-with-its-receiver',
    rows: ['AMB-34', 'RS-Q-16'],
    title: 'a quote expires with its receiver if that is earlier',
    run: async (context) => {
      const { createdAt } = await createIncomingPayment(context);
      const expiresAt = new Date(Date.parse(createdAt) + 120_000).toISOString();
      const { id } = await createIncomingPayment(context, { expiresAt });
      const quote = await createQuote(context, id, { debitAmount: amountOf(context.sender, '10') });
      assert.equal(quote.expiresAt, expiresAt);
    },
  },
  {
    id: 'quote.payers-ase-converts',
    rows: ['AMB-33', 'SET-03'],
    title: 'the payer’s ASE sets the rate; the rate of the receiver’s ASE does not matter',
    run: async (context) => {
      await withAssets(context, ['USD/2', 'EUR/2'], async (world) => {
        await setPrices(world, 'chalk', { USD: '1', EUR: '7' });
        const { id: receiver } = await createIncomingPayment(world);
        const quote = await createQuote(world, receiver, { debitAmount: amountOf(world.sender, '1000') });
        assert.equal(quote.receiveAmount.value, '500');
        await payQuote(world, quote.id, await outgoingToken(world));
        await waitUntilReceived(world, receiver, '500');
      });
    },
  },
  {
    id: 'quote.scales',
    rows: ['SET-04', 'SET-03'],
    title: 'one asset in two scales is converted exactly, down for what is received and up for what is debited',
    run: async (context) => {
      await withAssets(context, ['USD/9', 'USD/2'], async (world) => {
        const { id: receiver } = await createIncomingPayment(world);
        const send = async (value: string) =>
          (await createQuote(world, receiver, { debitAmount: amountOf(world.sender, value) })).receiveAmount.value;
        const receive = async (value: string) =>
          (await createQuote(world, receiver, { receiveAmount: amountOf(world.receiver, value) })).debitAmount.value;
        assert.deepEqual([await send('10000000'), await send('19999999')], ['1', '1']);
        assert.equal(await receive('3'), '30000000');
      });
      await withAssets(context, ['USD/2', 'USD/9'], async (world) => {
        const { id: receiver } = await createIncomingPayment(world);
        const receiveAmount = amountOf(world.receiver, '10000001');
        assert.equal((await createQuote(world, receiver, { receiveAmount })).debitAmount.value, '2');
      });
    },
  },
  {
    id: 'quote.out-of-range',
    rows: ['RS-29', 'RS-17'],
    title: 'amounts up to 2^64 − 1 are quoted, and amounts beyond are refused and change nothing',
    run: async (context) => {
      await withAssets(context, ['XAU/2', 'USD/2'], async (world) => {
        const { id: receiver } = await createIncomingPayment(world);
        const quote = (debitAmount: Json) =>
          postQuote(world, { walletAddress: world.sender.url, receiver, method: 'ilp', debitAmount });
        expectResourceError(await quote(amountOf(world.sender, MAX)), 400, /^invalid amount$/);
        const largest = (2n ** 64n - 1n) / 10n ** 12n;
        const { body } = expectStatus(await quote(amountOf(world.sender, `${largest}`)), 201);
        assert.equal(body.receiveAmount.value, `${largest * 10n ** 12n}`);
        expectResourceError(await quote(amountOf(world.sender, `${largest + 1n}`)), 400, /^invalid amount$/);
      });
      await withAssets(context, ['USD/2', 'USD/2'], async (world) => {
        const access = outgoingAccess(world.sender);
        const token = (await grantOutgoing(world, access)).access_token.value;
        const half = `${2n ** 63n}`;
        const pay = async () => {
          const { id: incomingPayment } = await createIncomingPayment(world);
          const json = { walletAddress: world.sender.url, incomingPayment, debitAmount: amountOf(world.sender, half) };
          return postOutgoingPayment(world, json, token);
        };
        expectStatus(await pay(), 201);
        expectResourceError(await pay(), 400, /^invalid amount$/);
        const url = `${world.sender.resourceServer}/outgoing-payment-grant`;
        const spent = await world.call({ operation: 'get-outgoing-payment-grant', url, token });
        assert.equal(expectStatus(spent, 200).body.spentDebitAmount.value, half, 'the refused one left no trace');
      });
    },
  },
  {
    id: 'quote.of-another-wallet-address',
    rows: ['RS-OP-06'],
    title: 'a quote is paid from the wallet address that it was made for',
    run: async (context) => {
      const { id } = await createIncomingPayment(context);
      const quote = await createQuote(context, id, { debitAmount: amountOf(context.sender, '10') });
      const other = await secondWallet(context);
      const token = (await grantOutgoing(context, outgoingAccess(other))).access_token.value;
      const json = { walletAddress: other.url, quoteId: quote.id };
      expectResourceError(await postOutgoingPayment(context, json, token), 400, /^invalid quote$/);
      const rightful = { walletAddress: context.sender.url, quoteId: quote.id };
      expectStatus(await postOutgoingPayment(context, rightful, await outgoingToken(context)), 201);
    },
  },
  {
    id: 'quote.paid-by-another-client',
    rows: ['RS-OP-09'],
    title: 'a quote belongs to its wallet address: another client with a matching grant may pay it',
    run: async (context) => {
      const { id } = await createIncomingPayment(context);
      const quote = await createQuote(context, id, { debitAmount: amountOf(context.sender, '10') });
      const identity = context.newIdentity('payer');
      const asker = { client: (await context.clientHost.add([identity.jwk])).url, identity };
      const pending = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], true, asker);
      const interact_ref = await obtainConsent(context, pending);
      await passWait(context, pending.body);
      const { uri, access_token } = pending.body.continue;
      const call = { operation: 'post-continue', method: 'POST', url: uri, json: { interact_ref }, sign: identity };
      const granted = expectStatus(await context.call({ ...call, token: access_token.value }), 200).body;
      const paid = await context.call({
        operation: 'create-outgoing-payment',
        url: `${context.sender.resourceServer}/outgoing-payments`,
        json: { walletAddress: context.sender.url, quoteId: quote.id },
        token: granted.access_token.value,
        sign: identity,
      });
      assert.equal(expectStatus(paid, 201).body.quoteId, quote.id);
    },
  },
];
