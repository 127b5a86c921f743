/** Payments that a list shows to each client. Open Payments resource-server GET /incoming-payments, GET /outgoing-payments. */
import assert from 'node:assert/strict';
import type { Check, Party } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  collections,
  fivePayments,
  idsOf,
  incomingPayments,
  listPayments,
  outgoingPayments,
  rowsFor,
} from '../../steps/payment-lists.ts';
import { incomingToken, requestToken } from '../../steps/scenarios.ts';
import { addClient, obtainToken } from '../../steps/second-client.ts';
import type { Json } from '../../steps/signed-client.ts';
import { listParties } from '../../steps/world.ts';

const ids = {
  ownOnly: { incoming: 'list.own-only', outgoing: 'list.outgoing-own-only' },
  all: { incoming: 'list.all', outgoing: 'list.outgoing-all' },
  oneWalletAddress: { incoming: 'list.one-wallet-address', outgoing: 'list.outgoing-one-wallet-address' },
  cursorOfAnotherClient: {
    incoming: 'list.cursor-of-another-client',
    outgoing: 'list.outgoing-cursor-of-another-client',
  },
} as const;

export const checks: readonly Check[] = [
  ...collections.flatMap((collection): Check[] => [
    {
      id: ids.ownOnly[collection.kind],
      rows: ['RS-10', 'RS-L-10', 'RS-L-13', ...rowsFor(collection)],
      title: `list shows a client its own ${collection.kind} payments only; an empty page comes without cursors`,
      run: async (context) => {
        await fivePayments(context, collection);
        const client = await addClient(context, 'own-only');
        const holder = { token: await collection.ownToken(context, client), identity: client.identity };
        const empty = expectStatus(await listPayments(context, collection, '', holder), 200);
        assert.deepEqual(empty.body, { pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] });
        const own = await collection.create(context, holder);
        assert.deepEqual(idsOf(expectStatus(await listPayments(context, collection, '', holder), 200)), [own]);
      },
    },
    {
      id: ids.all[collection.kind],
      rows: ['RS-10', 'RS-L-13', ...rowsFor(collection)],
      title: `list-all, to which the owner consents, shows the ${collection.kind} payments of every client`,
      run: async (context) => {
        const made = await fivePayments(context, collection);
        const party = collection.party(context);
        const client = await addClient(context, 'list-all');
        const token = await obtainToken(context, party, collection.access(party, ['list-all']), client);
        const holder = { token, identity: client.identity };
        const all = expectStatus(await listPayments(context, collection, '&first=100', holder), 200);
        for (const id of made) assert.ok(idsOf(all).includes(id), `${id} is listed`);
      },
    },
    {
      id: ids.oneWalletAddress[collection.kind],
      rows: ['RS-L-01', 'RS-10', ...rowsFor(collection)],
      title: `list-all shows the ${collection.kind} payments of the named wallet address only`,
      run: async (context) => {
        const made = await fivePayments(context, collection);
        const { resourceServer, url } = collection.party(context);
        const other = (await listParties(context)).find(
          (party) => party.resourceServer === resourceServer && party.url !== url,
        );
        assert.ok(other, 'the ASE has another wallet address');
        const client = await addClient(context, 'one-wallet-address');
        const token = await obtainToken(context, other, collection.access(other, ['list-all']), client);
        const holder = { token, identity: client.identity };
        const answer = expectStatus(await listPayments(context, collection, '&first=100', holder, other), 200);
        for (const item of answer.body.result as Json[]) assert.equal(item.walletAddress, other.url);
        assert.deepEqual(
          idsOf(answer).filter((id) => made.includes(id)),
          [],
        );
      },
    },
    {
      id: ids.cursorOfAnotherClient[collection.kind],
      rows: ['RS-L-16', 'RS-L-11', ...rowsFor(collection)],
      title: `a cursor of one client's ${collection.kind} payments is refused in the list of all`,
      run: async (context) => {
        await fivePayments(context, collection);
        const party = collection.party(context);
        const { endCursor } = expectStatus(await listPayments(context, collection, '&first=2'), 200).body.pagination;
        const cursor = `&cursor=${encodeURIComponent(endCursor)}`;
        const client = await addClient(context, 'cursor-taker');
        const token = await obtainToken(context, party, collection.access(party, ['list-all']), client);
        const holder = { token, identity: client.identity };
        expectResourceError(await listPayments(context, collection, cursor, holder), 400);
        expectStatus(await listPayments(context, collection, '', holder), 200);
      },
    },
  ]),
  {
    id: 'list.cursor-of-another-list',
    rows: ['RS-L-16', 'RS-L-11'],
    title: 'a cursor is bound to its collection and its wallet address',
    run: async (context) => {
      await fivePayments(context, incomingPayments);
      const { sender, target } = context;
      const { endCursor } = expectStatus(await listPayments(context, incomingPayments, '&first=2'), 200).body
        .pagination;
      const cursor = `&cursor=${encodeURIComponent(endCursor)}`;
      expectResourceError(await listPayments(context, outgoingPayments, cursor), 400);
      const access = [{ type: 'incoming-payment', actions: ['list'] }];
      const anywhere = { token: (await requestToken(context, sender, access)).access_token.value };
      const client: Party = { ...sender, url: target.client };
      expectResourceError(await listPayments(context, incomingPayments, cursor, anywhere, client), 400);
      const own = { token: await incomingToken(context) };
      expectStatus(await listPayments(context, incomingPayments, cursor, own), 200);
    },
  },
];
