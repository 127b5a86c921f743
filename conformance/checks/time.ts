// What time does: expiry of tokens, interactions, quotes and incoming payments. These checks move the target's clock
// forward through the control API, so they come last.
import assert from 'node:assert/strict';
import type { Check } from '../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../runner/expect.ts';
import { walkInteraction } from '../runner/interaction.ts';
import {
  amountOf,
  completeIncomingPayment,
  continueGrant,
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  incomingAccess,
  outgoingAccess,
  outgoingToken,
  postIncomingPayment,
  postOutgoingPayment,
  quoteToken,
  requestInteractiveGrant,
  requestToken,
  rotateToken,
} from '../runner/scenarios.ts';

export const timeChecks: Check[] = [
  {
    id: 'token.rotate-expired',
    rows: ['AS-143', 'INT-11', 'CT-03'],
    title: 'an expired token opens nothing but can be rotated',
    run: async (context) => {
      const json = { walletAddress: context.receiver.url };
      const { access_token } = await requestToken(context, context.receiver, [
        incomingAccess(context.receiver, ['create']),
      ]);
      await context.control.advanceClock(access_token.expires_in + 1);
      expectResourceError(await postIncomingPayment(context, json, access_token.value), 401);
      const rotated = expectStatus(await rotateToken(context, access_token), 200).body.access_token;
      expectStatus(await postIncomingPayment(context, json, rotated.value), 201);
    },
  },
  {
    id: 'interaction.expired',
    rows: ['AS-91', 'AS-N10', 'CT-03'],
    title: 'an interaction that nobody finished in time ends: no consent, no token',
    run: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false);
      await context.control.advanceClock(3600);
      await walkInteraction(context.call, body.interact.redirect);
      expectGnapError(await continueGrant(context, body), 401, 'request_denied');
    },
  },
  {
    id: 'quote.expired',
    rows: ['RS-Q-16', 'RS-Q-17', 'RS-Q-24', 'RS-OP-07', 'CT-03'],
    title: 'a quote expires no later than its receiver, stays readable and cannot be paid',
    run: async (context) => {
      const incoming = await createIncomingPayment(context);
      const quote = await createQuote(context, incoming.id, { debitAmount: amountOf(context.sender, '100') });
      assert.ok(Date.parse(quote.expiresAt) <= Date.parse(incoming.expiresAt), 'not after the receiver');
      await context.control.advanceClock(
        Math.ceil((Date.parse(quote.expiresAt) - Date.parse(quote.createdAt)) / 1000) + 1,
      );
      const read = await context.call({ operation: 'get-quote', url: quote.id, token: await quoteToken(context) });
      assert.deepEqual(expectStatus(read, 200).body, quote);
      const json = { walletAddress: context.sender.url, quoteId: quote.id };
      const answer = await postOutgoingPayment(context, json, await outgoingToken(context));
      expectResourceError(answer, 400, /^invalid quote$/i);
    },
  },
  {
    id: 'incoming-payment.expired',
    rows: ['RS-IP-18', 'RS-IP-21', 'RS-IP-25', 'RS-IP-26', 'AMB-21', 'CT-03'],
    title: 'an expired payment stays readable and incomplete, offers no method and cannot be completed',
    run: async (context) => {
      const { id, createdAt, expiresAt } = await createIncomingPayment(context, { value: '50' });
      const seconds = Math.ceil((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000) + 1;
      await context.control.advanceClock(seconds);
      const access = incomingAccess(context.receiver, ['read', 'complete']);
      const token = (await requestToken(context, context.receiver, [access])).access_token.value;
      const { body } = expectStatus(await getIncomingPayment(context, id, token), 200);
      assert.deepEqual([body.completed, body.methods], [false, []]);
      expectResourceError(await completeIncomingPayment(context, id, token), 409);
    },
  },
];
