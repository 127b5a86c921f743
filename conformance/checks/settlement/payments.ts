/** The main path, from wallet address to money received, and what settlement promises on the way. */

import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectStatus } from '../../steps/expect.ts';
import { secondWallet } from '../../steps/parties.ts';
import {
  amountOf,
  cancelGrant,
  completeIncomingPayment,
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  grantOutgoing,
  incomingToken,
  outgoingAccess,
  outgoingToken,
  payQuote,
  revokeToken,
  rotateToken,
  waitUntilReceived,
  waitUntilSettled,
} from '../../steps/scenarios.ts';

export const checks: readonly Check[] = [
  {
    id: 'settlement.main-path',
    rows: [
      ...['AS-114', 'AS-130', 'AS-140', 'AS-149', 'RS-G-01', 'RS-IP-23', 'RS-IP-28', 'RS-OP-04', 'RS-OP-17'],
      ...['RS-OP-20', 'RS-OP-30', 'RS-Q-12', 'SET-02', 'SET-09', 'RS-L-02', 'RS-OP-16'],
      'AMB-08',
    ],
    title: 'a payment crosses from one ASE to the other: consent, quote, money, completion, totals, clean-up',
    run: async (context) => {
      const { sender, receiver } = context;
      const incoming = await createIncomingPayment(context, { value: '500', metadata: { order: 1 } });
      const quote = await createQuote(context, incoming.id);
      const limits = { debitAmount: quote.debitAmount, receiver: incoming.id };
      const grant = await grantOutgoing(context, outgoingAccess(sender, limits));
      const token: string = grant.access_token.value;
      const payment = await payQuote(context, quote.id, token);
      await waitUntilReceived(context, incoming.id, '500');
      const settled = await waitUntilSettled(context, payment.id, token);
      assert.deepEqual([settled.failed, settled.sentAmount], [false, quote.debitAmount]);
      const received = expectStatus(await getIncomingPayment(context, incoming.id), 200).body;
      assert.deepEqual([received.receivedAmount, received.completed], [quote.receiveAmount, true]);
      const query = (url: string): string => `?wallet-address=${encodeURIComponent(url)}&first=20`;
      const outgoingList = await context.call({
        operation: 'list-outgoing-payments',
        url: `${sender.resourceServer}/outgoing-payments${query(sender.url)}`,
        token,
      });
      assert.deepEqual(
        expectStatus(outgoingList, 200).body.result.find((item: { id: string }) => item.id === payment.id),
        settled,
      );
      const incomingList = await context.call({
        operation: 'list-incoming-payments',
        url: `${receiver.resourceServer}/incoming-payments${query(receiver.url)}`,
        token: await incomingToken(context),
      });
      const listed = expectStatus(incomingList, 200).body.result.find(
        (item: { id: string }) => item.id === incoming.id,
      );
      assert.deepEqual({ ...listed, methods: [] }, { ...received, methods: [] });
      const spent = await context.call({
        operation: 'get-outgoing-payment-grant',
        url: `${sender.resourceServer}/outgoing-payment-grant`,
        token,
      });
      const totals = { spentDebitAmount: quote.debitAmount, spentReceiveAmount: quote.receiveAmount };
      assert.deepEqual(expectStatus(spent, 200).body, totals);
      const rotated = expectStatus(await rotateToken(context, grant.access_token), 200).body.access_token;
      expectStatus(await revokeToken(context, rotated), 204);
      expectStatus(await cancelGrant(context, grant), 204);
      const after = expectStatus(await getIncomingPayment(context, incoming.id), 200).body;
      assert.deepEqual(after, received, 'what is settled does not change');
    },
  },
  {
    id: 'settlement.fixed-send',
    rows: ['RS-IP-27', 'RS-IP-28', 'RS-OP-30', 'SET-02', 'RS-Q-12', 'AMB-29'],
    title: 'an open payment takes several payments, each exactly as quoted',
    run: async (context) => {
      const token = await outgoingToken(context);
      const incoming = await createIncomingPayment(context);
      let total = 0n;
      for (const value of ['123', '7']) {
        const quote = await createQuote(context, incoming.id, { debitAmount: amountOf(context.sender, value) });
        const payment = await payQuote(context, quote.id, token);
        total += BigInt(quote.receiveAmount.value);
        await waitUntilReceived(context, incoming.id, String(total));
        const settled = await waitUntilSettled(context, payment.id, token);
        assert.deepEqual(
          [settled.failed, settled.sentAmount, settled.receiveAmount],
          [false, quote.debitAmount, quote.receiveAmount],
        );
      }
      const { body } = expectStatus(await getIncomingPayment(context, incoming.id), 200);
      assert.equal(body.completed, false, 'nothing completes an open payment by itself');
      const completed = expectStatus(await completeIncomingPayment(context, incoming.id), 200).body;
      assert.equal(completed.receivedAmount.value, String(total), 'what was received stays');
    },
  },
  {
    id: 'settlement.remaining',
    rows: ['RS-Q-05', 'RS-IP-23', 'RS-IP-24', 'RS-IP-27', 'AMB-09'],
    title: 'a second quote is for what is still missing, and completes the payment exactly',
    run: async (context) => {
      const token = await outgoingToken(context);
      const incoming = await createIncomingPayment(context, { value: '300' });
      const part = await createQuote(context, incoming.id, { receiveAmount: amountOf(context.receiver, '120') });
      await payQuote(context, part.id, token);
      await waitUntilReceived(context, incoming.id, '120');
      const rest = await createQuote(context, incoming.id);
      assert.equal(rest.receiveAmount.value, '180');
      await payQuote(context, rest.id, token);
      await waitUntilReceived(context, incoming.id, '300');
      assert.equal((await getIncomingPayment(context, incoming.id)).body.completed, true);
    },
  },
  {
    id: 'settlement.same-ase',
    rows: ['RS-OP-21', 'RS-OP-30', 'SET-02', 'SET-08'],
    title: 'a payment inside one ASE arrives as well, at the wallet address it names',
    run: async (context) => {
      const { sender, target } = context;
      const payee = await secondWallet(context);
      const access = [{ type: 'incoming-payment', actions: ['create', 'read'] }];
      const json = { client: target.client, access_token: { access } };
      const granted = await context.call({ operation: 'post-request', url: sender.authServer, json });
      const token = expectStatus(granted, 200).body.access_token.value;
      const created = await context.call({
        operation: 'create-incoming-payment',
        url: `${sender.resourceServer}/incoming-payments`,
        json: { walletAddress: payee.url, incomingAmount: amountOf(payee, '90') },
        token,
      });
      const incoming = expectStatus(created, 201).body;
      const quote = await createQuote(context, incoming.id);
      await payQuote(context, quote.id, await outgoingToken(context));
      await waitUntilReceived(context, incoming.id, '90');
      const { body } = expectStatus(await getIncomingPayment(context, incoming.id, token), 200);
      assert.deepEqual([body.completed, body.walletAddress], [true, payee.url]);
    },
  },
];
