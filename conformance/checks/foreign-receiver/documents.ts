/**
 * Receivers at an ASE of ours whose documents are wrong, or change: what cannot be paid is refused in the protocol's
 * form before anything is held. Open Payments resource-server /quotes, /outgoing-payments, GET /incoming-payments/{id}.
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

interface Lie {
  readonly name: string;
  /** What stands in the document instead. */
  readonly members?: (context: CheckContext, receiver: HostedReceiver) => Json;
  /** Or how the receiver answers. */
  readonly tell?: (peer: PeerAse, receiver: HostedReceiver) => void;
}

const euros = { assetCode: 'XTS', assetScale: 2 };
const units = (context: CheckContext, value: string): Json => amountOf(context.receiver, value);
const method = (receiver: HostedReceiver, members: Json): Json => ({
  methods: [{ ...receiver.payment.methods[0], ...members }],
});

/** Answers every request for the incoming payment so. */
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

const lies: readonly Lie[] = [
  { name: 'closed', members: () => ({ completed: true }) },
  { name: 'expired', members: () => ({ expiresAt: '2020-01-01T00:00:00Z' }) },
  { name: 'full', members: (context) => ({ receivedAmount: units(context, '1000') }) },
  { name: 'over-full', members: (context) => ({ receivedAmount: units(context, '1001') }) },
  { name: 'negative', members: (context) => ({ receivedAmount: units(context, '-1') }) },
  { name: 'beyond-64-bits', members: (context) => ({ incomingAmount: units(context, '18446744073709551616') }) },
  { name: 'two-assets', members: () => ({ receivedAmount: { value: '0', ...euros } }) },
  { name: 'without-methods', members: () => ({ methods: [] }) },
  { name: 'without-ilp', members: () => ({ methods: [{ type: 'card' }] }) },
  { name: 'without-route', members: (_, receiver) => method(receiver, { ilpAddress: 'test.nowhere.known' }) },
  { name: 'without-secret', members: (_, receiver) => method(receiver, { sharedSecret: undefined }) },
  { name: 'gone', tell: (_, receiver) => Object.assign(receiver, { status: 404 }) },
  { name: 'failing', tell: (_, receiver) => Object.assign(receiver, { status: 500 }) },
  { name: 'page', tell: always(200, { 'content-type': 'text/html' }, '<p>An incoming payment</p>') },
  { name: 'redirect', tell: (peer, { url }) => always(302, { location: `${url}/elsewhere` }, '')(peer) },
  { name: 'auth-server-elsewhere', tell: authorizedBy(({ origin }) => `${origin}/nothing/here`) },
  { name: 'auth-server-no-url', tell: authorizedBy(() => 'the usual one') },
];

/** Ways of a receiver to change between its quote and the payment. */
const changes: readonly Lie[] = [
  {
    name: 'asset',
    members: () => ({ incomingAmount: { value: '1000', ...euros }, receivedAmount: { value: '0', ...euros } }),
  },
  { name: 'less-awaited', members: (context) => ({ receivedAmount: units(context, '1') }) },
  { name: 'smaller', members: (context) => ({ incomingAmount: units(context, '999') }) },
  ...lies.filter(({ name }) => ['closed', 'expired', 'without-methods', 'without-route', 'gone'].includes(name)),
];

/** A receiver of ours that awaits 1000; afterwards nothing was sent to it and nothing is held from the sender. */
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

function apply({ members, tell }: Lie, context: CheckContext, peer: PeerAse, receiver: HostedReceiver): void {
  if (members) Object.assign(receiver.payment, members(context, receiver));
  tell?.(peer, receiver);
}

export const checks: readonly Check[] = [
  {
    id: 'foreign-receiver.paid',
    rows: ['RS-Q-20', 'RS-Q-14'],
    title: 'a receiver that says what is so is quoted and paid, wherever it stands',
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
  ...lies.map(
    (lie): Check => ({
      id: `foreign-receiver.${lie.name}`,
      rows: ['RS-Q-14', 'RS-OP-11', 'RS-02'],
      title: `no quote and no payment, and nothing held, for a receiver of another ASE: ${lie.name}`,
      run: (context) =>
        withUnpaid(context, async (peer, receiver) => {
          apply(lie, context, peer, receiver);
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
      id: `foreign-receiver.changed-${change.name}`,
      rows: ['RS-OP-11', 'RS-Q-23', 'RS-02'],
      title: `no payment, and nothing held, of a quote whose receiver has changed since: ${change.name}`,
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
