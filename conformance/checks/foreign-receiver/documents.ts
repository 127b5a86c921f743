/**
 * Receivers at another ASE whose documents are invalid or change after the quote: they are refused before any money is
 * held. Open Payments resource-server /quotes, /outgoing-payments, GET /incoming-payments/{id}.
 */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { balanceOf } from '../../steps/control.ts';
import { expectResourceError } from '../../steps/expect.ts';
import { type HostedReceiver, hostReceiver } from '../../steps/hosted-receiver.ts';
import { type PeerAse, withPeer } from '../../steps/peer-ase.ts';
import {
  amountOf,
  createQuote,
  outgoingToken,
  payQuote,
  postOutgoingPayment,
  postQuote,
  waitUntilSettled,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';

interface Defect {
  readonly id: string;
  readonly title: string;
  /** Members that replace those of the document. */
  readonly members?: (context: CheckContext, receiver: HostedReceiver) => Json;
  /** Changes the answers of the receiver. */
  readonly tell?: (peer: PeerAse, receiver: HostedReceiver) => void;
}

const euros = { assetCode: 'XTS', assetScale: 2 };
const units = (context: CheckContext, value: string): Json => amountOf(context.receiver, value);
const method = (receiver: HostedReceiver, members: Json): Json => ({
  methods: [{ ...receiver.payment.methods[0], ...members }],
});

/** Answers every request for the incoming payment like this. */
const always =
  (status: number, headers: Record<string, string>, body: string) =>
  (peer: PeerAse): void => {
    peer.onRequest = (_request, _body, response) => void response.writeHead(status, headers).end(body);
  };

/** The public view names this authorization server. */
const authorizedBy = (authServer: (peer: PeerAse) => string) => (peer: PeerAse, receiver: HostedReceiver) => {
  const honest = peer.onRequest;
  peer.onRequest = (request, body, response) => {
    if (request.headers.authorization !== undefined || request.url === '/auth/') return honest(request, body, response);
    const document = { receivedAmount: receiver.payment.receivedAmount, authServer: authServer(peer) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };
};

const defects: readonly Defect[] = [
  { id: 'foreign-receiver.closed', title: 'it is completed', members: () => ({ completed: true }) },
  { id: 'foreign-receiver.expired', title: 'it has expired', members: () => ({ expiresAt: '2020-01-01T00:00:00Z' }) },
  {
    id: 'foreign-receiver.full',
    title: 'it has received everything',
    members: (context) => ({ receivedAmount: units(context, '1000') }),
  },
  {
    id: 'foreign-receiver.over-full',
    title: 'it has received more than everything',
    members: (context) => ({ receivedAmount: units(context, '1001') }),
  },
  {
    id: 'foreign-receiver.negative',
    title: 'its received amount is negative',
    members: (context) => ({ receivedAmount: units(context, '-1') }),
  },
  {
    id: 'foreign-receiver.beyond-64-bits',
    title: 'its amount exceeds 64 bits',
    members: (context) => ({ incomingAmount: units(context, '18446744073709551616') }),
  },
  {
    id: 'foreign-receiver.two-assets',
    title: 'its amounts are in two assets',
    members: () => ({ receivedAmount: { value: '0', ...euros } }),
  },
  { id: 'foreign-receiver.without-methods', title: 'it offers no payment method', members: () => ({ methods: [] }) },
  {
    id: 'foreign-receiver.without-ilp',
    title: 'it offers no ILP payment method',
    members: () => ({ methods: [{ type: 'card' }] }),
  },
  {
    id: 'foreign-receiver.without-route',
    title: 'no route leads to its ILP address',
    members: (_, receiver) => method(receiver, { ilpAddress: 'test.nowhere.known' }),
  },
  {
    id: 'foreign-receiver.without-secret',
    title: 'its shared secret is missing',
    members: (_, receiver) => method(receiver, { sharedSecret: undefined }),
  },
  {
    id: 'foreign-receiver.gone',
    title: 'it answers 404',
    tell: (_, receiver) => Object.assign(receiver, { status: 404 }),
  },
  {
    id: 'foreign-receiver.failing',
    title: 'it answers 500',
    tell: (_, receiver) => Object.assign(receiver, { status: 500 }),
  },
  {
    id: 'foreign-receiver.page',
    title: 'it answers with an HTML page',
    tell: always(200, { 'content-type': 'text/html' }, '<p>An incoming payment</p>'),
  },
  {
    id: 'foreign-receiver.redirect',
    title: 'it redirects',
    tell: (peer, { url }) => always(302, { location: `${url}/elsewhere` }, '')(peer),
  },
  {
    id: 'foreign-receiver.auth-server-elsewhere',
    title: 'its authorization server does not exist',
    tell: authorizedBy(({ origin }) => `${origin}/nothing/here`),
  },
  {
    id: 'foreign-receiver.auth-server-no-url',
    title: 'its authorization server is not a URL',
    tell: authorizedBy(() => 'the usual one'),
  },
  {
    id: 'foreign-receiver.auth-server-of-another',
    title: 'its wallet address names another authorization server',
    tell: (_, { wallet }) => Object.assign(wallet, { authServer: 'https://auth.example/' }),
  },
  {
    id: 'foreign-receiver.wallet-address-missing',
    title: 'its wallet address does not exist',
    members: (context) => ({ walletAddress: `${new URL(context.sender.url).origin}/no-such-wallet` }),
  },
];

/** Changes of a receiver between quote and payment. */
const changes: readonly Defect[] = [
  {
    id: 'foreign-receiver.changed-asset',
    title: 'its asset has changed',
    members: () => ({ incomingAmount: { value: '1000', ...euros }, receivedAmount: { value: '0', ...euros } }),
  },
  {
    id: 'foreign-receiver.changed-less-awaited',
    title: 'part of its amount has arrived',
    members: (context) => ({ receivedAmount: units(context, '1') }),
  },
  {
    id: 'foreign-receiver.changed-smaller',
    title: 'its amount is smaller',
    members: (context) => ({ incomingAmount: units(context, '999') }),
  },
  { id: 'foreign-receiver.changed-closed', title: 'it is completed', members: () => ({ completed: true }) },
  {
    id: 'foreign-receiver.changed-expired',
    title: 'it has expired',
    members: () => ({ expiresAt: '2020-01-01T00:00:00Z' }),
  },
  {
    id: 'foreign-receiver.changed-without-methods',
    title: 'it offers no payment method',
    members: () => ({ methods: [] }),
  },
  {
    id: 'foreign-receiver.changed-without-route',
    title: 'no route leads to its ILP address',
    members: (_, receiver) => method(receiver, { ilpAddress: 'test.nowhere.known' }),
  },
  {
    id: 'foreign-receiver.changed-gone',
    title: 'it answers 404',
    tell: (_, receiver) => Object.assign(receiver, { status: 404 }),
  },
];

/** Hosts a receiver that expects 1000, and asserts afterwards that nothing was sent to it or held from the sender. */
async function withUnpaid(
  context: CheckContext,
  work: (peer: PeerAse, receiver: HostedReceiver) => Promise<void>,
): Promise<void> {
  const before = await balanceOf(context, context.sender.url);
  const terms = { asset: context.receiver };
  await withPeer(context, context.sender, terms, async (peer) => {
    const receiver = hostReceiver(peer, terms, 1000n);
    await work(peer, receiver);
    assert.equal(receiver.packets.length, 0, 'no packet was sent');
  });
  assert.equal(await balanceOf(context, context.sender.url), before, 'nothing is held');
}

function apply({ members, tell }: Defect, context: CheckContext, peer: PeerAse, receiver: HostedReceiver): void {
  if (members) Object.assign(receiver.payment, members(context, receiver));
  tell?.(peer, receiver);
}

export const checks: readonly Check[] = [
  {
    id: 'foreign-receiver.paid',
    rows: ['RS-Q-20', 'RS-Q-14'],
    title: 'a valid receiver at any ASE is quoted and paid',
    run: async (context) => {
      const terms = { asset: context.receiver };
      await withPeer(context, context.sender, terms, async (peer) => {
        const receiver = hostReceiver(peer, terms, 1000n);
        const token = await outgoingToken(context);
        const quote = await createQuote(context, receiver.url);
        assert.deepEqual(quote.receiveAmount, units(context, '1000'));
        const { id } = await payQuote(context, quote.id, token);
        assert.equal((await waitUntilSettled(context, id, token)).failed, false);
        assert.equal(receiver.total(), 1000n);
      });
    },
  },
  ...defects.map(
    (defect): Check => ({
      id: defect.id,
      rows: ['RS-Q-14', 'RS-Q-N01', 'RS-OP-11', 'RS-02'],
      title: `neither quote nor payment, and nothing held, for a receiver of another ASE: ${defect.title}`,
      run: (context) =>
        withUnpaid(context, async (peer, receiver) => {
          apply(defect, context, peer, receiver);
          const walletAddress = context.sender.url;
          const quoted = await postQuote(context, { walletAddress, receiver: receiver.url, method: 'ilp' });
          expectResourceError(quoted, 400, /^invalid receiver$/);
          const debitAmount = amountOf(context.sender, '100');
          const json = { walletAddress, incomingPayment: receiver.url, debitAmount };
          const paid = await postOutgoingPayment(context, json, await outgoingToken(context));
          expectResourceError(paid, 400, /^invalid receiver$/);
        }),
    }),
  ),
  ...changes.map(
    (change): Check => ({
      id: change.id,
      rows: ['RS-OP-11', 'RS-Q-23', 'RS-02'],
      title: `no payment of a quote, and nothing held, if its receiver has changed: ${change.title}`,
      run: (context) =>
        withUnpaid(context, async (peer, receiver) => {
          const { id: quoteId } = await createQuote(context, receiver.url);
          apply(change, context, peer, receiver);
          const json = { walletAddress: context.sender.url, quoteId };
          const paid = await postOutgoingPayment(context, json, await outgoingToken(context));
          expectResourceError(paid, 400, /^invalid quote$/);
        }),
    }),
  ),
];
