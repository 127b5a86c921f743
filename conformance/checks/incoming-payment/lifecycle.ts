/** Incoming payments: creation, both views, completion, lists. Open Payments resource-server /incoming-payments. */

import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { foreignAmount } from '../../steps/parties.ts';
import {
  amountOf,
  completeIncomingPayment,
  createIncomingPayment,
  getIncomingPayment,
  incomingToken,
  postIncomingPayment,
} from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const publicView = (context: CheckContext, url: string): Promise<Answer> =>
  context.call({ operation: 'get-incoming-payment', url, sign: false });
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

/** Creations refused with 400. */
interface Refusal {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  readonly change: (context: CheckContext) => Json;
  readonly text?: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    id: 'incoming-payment.refuses-amount-1',
    rows: ['RS-16'],
    title: `incomingAmount.value "1.5"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '1.5') }),
  },
  {
    id: 'incoming-payment.refuses-amount-2',
    rows: ['RS-16'],
    title: `incomingAmount.value "-1"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '-1') }),
  },
  {
    id: 'incoming-payment.refuses-amount-3',
    rows: ['RS-16'],
    title: `incomingAmount.value ""`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '') }),
  },
  {
    id: 'incoming-payment.refuses-amount-4',
    rows: ['RS-16'],
    title: `incomingAmount.value "18446744073709551616"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '18446744073709551616') }),
  },
  {
    id: 'incoming-payment.refuses-amount-5',
    rows: ['RS-16'],
    title: `incomingAmount.value "007"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '007') }),
  },
  {
    id: 'incoming-payment.refuses-amount-6',
    rows: ['RS-16'],
    title: `incomingAmount.value " 1"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, ' 1') }),
  },
  {
    id: 'incoming-payment.refuses-amount-7',
    rows: ['RS-16'],
    title: `incomingAmount.value "0x10"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '0x10') }),
  },
  {
    id: 'incoming-payment.refuses-amount-8',
    rows: ['RS-16'],
    title: `incomingAmount.value "1e3"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '1e3') }),
  },
  {
    id: 'incoming-payment.refuses-amount-9',
    rows: ['RS-16'],
    title: `incomingAmount.value "+1"`,
    change: (context) => ({ incomingAmount: amountOf(context.receiver, '+1') }),
  },
  {
    id: 'incoming-payment.refuses-amount-number',
    rows: ['RS-16'],
    title: 'a number as value',
    change: (c) => ({ incomingAmount: { ...amountOf(c.receiver, '1'), value: 1 } }),
  },
  {
    id: 'incoming-payment.refuses-zero',
    rows: ['RS-IP-05'],
    title: 'an amount of zero',
    change: (c) => ({ incomingAmount: amountOf(c.receiver, '0') }),
  },
  {
    id: 'incoming-payment.refuses-asset',
    rows: ['RS-IP-04'],
    title: 'an amount in another asset',
    change: (c) => ({ incomingAmount: foreignAmount(c.receiver, '1') }),
    text: /invalid amount/i,
  },
  {
    id: 'incoming-payment.refuses-scale',
    rows: ['RS-IP-04', 'RS-16'],
    title: 'an amount in another scale',
    change: (c) => ({ incomingAmount: { ...amountOf(c.receiver, '1'), assetScale: c.receiver.assetScale + 1 } }),
    text: /invalid amount/i,
  },
  {
    id: 'incoming-payment.refuses-past',
    rows: ['RS-IP-07'],
    title: 'an expiry in the past',
    change: () => ({ expiresAt: inSeconds(-86_400) }),
    text: /invalid expiresAt/i,
  },
  {
    id: 'incoming-payment.refuses-far',
    rows: ['RS-IP-08'],
    title: 'an expiry in ten years',
    change: () => ({ expiresAt: inSeconds(315_360_000) }),
  },
  {
    id: 'incoming-payment.refuses-date-only',
    rows: ['RS-IP-07'],
    title: 'an expiry without time',
    change: () => ({ expiresAt: '2999-01-01' }),
  },
  {
    id: 'incoming-payment.refuses-no-zone',
    rows: ['RS-IP-07'],
    title: 'an expiry without zone',
    change: () => ({ expiresAt: '2999-01-01T00:00:00' }),
  },
  {
    id: 'incoming-payment.refuses-metadata-array',
    rows: ['RS-01', 'RS-19'],
    title: 'metadata as an array',
    change: () => ({ metadata: [] }),
  },
];

export const checks: readonly Check[] = [
  {
    id: 'incoming-payment.create',
    rows: [
      ...['RS-IP-01', 'RS-IP-02', 'RS-IP-06', 'RS-IP-09', 'RS-IP-10', 'RS-IP-11', 'RS-IP-12'],
      ...['ILP-14', 'ILP-15', 'RS-15', 'RS-18', 'RS-19', 'RS-20'],
    ],
    title: 'a new payment is open and empty, and has one well-formed ILP method with a fresh secret',
    run: async (context) => {
      const { receiver } = context;
      const metadata = { description: 'order 42', nested: { list: [1, 'ä', null] } };
      const first = await createIncomingPayment(context, { value: '1234', metadata });
      const second = await createIncomingPayment(context);
      assert.deepEqual(first.incomingAmount, amountOf(receiver, '1234'));
      assert.deepEqual(first.metadata, metadata);
      assert.ok(!('incomingAmount' in second) && !('metadata' in second), 'what was not given is absent');
      for (const payment of [first, second]) {
        assert.ok(
          payment.id.startsWith(`${receiver.resourceServer}/incoming-payments/`),
          'id lies below the resource server',
        );
        assert.equal(payment.walletAddress, receiver.url);
        assert.equal(payment.completed, false);
        assert.deepEqual(payment.receivedAmount, amountOf(receiver, '0'));
        assert.ok(Date.parse(payment.expiresAt) > Date.parse(payment.createdAt), 'expiresAt is set');
        assert.ok(!('updatedAt' in payment), 'no updatedAt');
        assert.equal(payment.methods.length, 1);
        const [{ type, ilpAddress, sharedSecret, ...rest }] = payment.methods;
        assert.equal(type, 'ilp');
        assert.match(ilpAddress, /^(g|private|example|peer|self|test[1-3]?|local)([.][a-zA-Z0-9_~-]+)+$/);
        assert.ok(ilpAddress.length <= 1023);
        assert.match(sharedSecret, /^[A-Za-z0-9_-]{43}$/);
        assert.deepEqual(rest, {});
      }
      assert.notEqual(first.methods[0].sharedSecret, second.methods[0].sharedSecret);
      assert.notEqual(first.methods[0].ilpAddress, second.methods[0].ilpAddress);
      const again = expectStatus(await getIncomingPayment(context, first.id), 200).body;
      assert.deepEqual(again, first);
    },
  },
  ...refusals.map(
    ({ id, rows, title, change, text }): Check => ({
      id,
      rows: [...rows, 'RS-02'],
      title: `refused with 400: ${title}`,
      run: async (context) => {
        const json = { walletAddress: context.receiver.url, ...change(context) };
        expectResourceError(await postIncomingPayment(context, json), 400, text);
      },
    }),
  ),
  {
    id: 'incoming-payment.expiry-offset',
    rows: ['RS-IP-07', 'RS-IP-09', 'RS-18'],
    title: 'an expiry with an offset comes back as the same instant',
    run: async (context) => {
      // The clock of the target may differ from the local one.
      const { createdAt } = await createIncomingPayment(context);
      const instant = new Date(Math.floor(Date.parse(createdAt) / 1000) * 1000 + 7_200_000);
      const expiresAt = new Date(instant.getTime() + 7_200_000).toISOString().replace(/\.\d+Z$/, '+02:00');
      const payment = await createIncomingPayment(context, { expiresAt });
      assert.equal(Date.parse(payment.expiresAt), instant.getTime());
    },
  },
  {
    id: 'incoming-payment.large-values',
    rows: ['RS-16', 'RS-17'],
    title: 'values beyond 2^53, up to 2^64 − 1, come back digit by digit',
    run: async (context) => {
      for (const value of ['9007199254740993', '18446744073709551615']) {
        const payment = await createIncomingPayment(context, { value });
        assert.equal(payment.incomingAmount.value, value);
        assert.equal((await getIncomingPayment(context, payment.id)).body.incomingAmount.value, value);
      }
    },
  },
  {
    id: 'incoming-payment.public-view',
    rows: ['RS-IP-14', 'RS-IP-15', 'RS-IP-17', 'RS-IP-28', 'ILP-10', 'SIG-01'],
    title: 'without a token a payment shows its authorization server and what it received, and no more',
    run: async (context) => {
      const { receiver } = context;
      const { id } = await createIncomingPayment(context, { value: '77', metadata: { private: true } });
      const answer = expectStatus(await publicView(context, id), 200);
      assert.deepEqual(answer.body, { authServer: receiver.authServer, receivedAmount: amountOf(receiver, '0') });
      assert.equal((await getIncomingPayment(context, id)).body.methods.length, 1);
    },
  },
  {
    id: 'incoming-payment.public-unknown',
    rows: ['RS-IP-19', 'RS-12', 'AMB-06'],
    title: 'an unknown payment is not found, also without a token',
    run: async (context) => {
      const url = `${context.receiver.resourceServer}/incoming-payments/${crypto.randomUUID()}`;
      expectResourceError(await publicView(context, url), 404);
    },
  },
  {
    id: 'incoming-payment.trailing-slash',
    rows: ['RS-22'],
    title: 'a trailing slash on a resource is tolerated',
    run: async (context) => {
      const { id } = await createIncomingPayment(context);
      expectStatus(await getIncomingPayment(context, `${id}/`), 200);
    },
  },
  {
    id: 'incoming-payment.complete',
    rows: ['RS-IP-18', 'RS-IP-20', 'RS-IP-21', 'RS-IP-36', 'RS-IP-33', 'AMB-14'],
    title: 'completion answers without methods, empties them, and happens once',
    run: async (context) => {
      const { id } = await createIncomingPayment(context, { value: '50' });
      const { body } = expectStatus(await completeIncomingPayment(context, id), 200);
      assert.equal(body.completed, true);
      assert.ok(!('methods' in body), 'no methods');
      expectResourceError(await completeIncomingPayment(context, id), 409, /wrong state/i);
      const after = expectStatus(await getIncomingPayment(context, id), 200).body;
      assert.deepEqual([after.completed, after.methods], [true, []]);
    },
  },
  {
    id: 'incoming-payment.complete-with-body',
    rows: ['RS-IP-20'],
    title: 'completion tolerates an empty JSON body and ignores a filled one',
    run: async (context) => {
      const token = await incomingToken(context);
      for (const change of [{ contentType: 'application/json' }, { json: { completed: false } }]) {
        const { id } = await createIncomingPayment(context);
        const call = { operation: 'complete-incoming-payment', method: 'POST', url: `${id}/complete`, token };
        assert.equal(expectStatus(await context.call({ ...call, ...change }), 200).body.completed, true);
      }
    },
  },
];
