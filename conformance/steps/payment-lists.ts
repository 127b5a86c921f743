/** The lists of incoming and of outgoing payments, for checks that hold for both. */
import type { CheckContext, Party } from '../runner/check.ts';
import type { Identity } from '../runner/target.ts';
import { expectStatus } from './expect.ts';
import {
  createIncomingPayment,
  createQuote,
  incomingAccess,
  incomingToken,
  outgoingAccess,
  outgoingToken,
  requestToken,
} from './scenarios.ts';
import { addClient, obtainToken, type SecondClient } from './second-client.ts';
import type { Answer, Json } from './signed-client.ts';

/** A token, and the key of its client if that is not the run's. */
export interface TokenHolder {
  readonly token: string;
  readonly identity?: Identity;
}

export interface Collection {
  readonly kind: 'incoming' | 'outgoing';
  readonly party: (context: CheckContext) => Party;
  readonly access: (party: Party, actions: readonly string[]) => Json;
  /** The token of the run's client. */
  readonly token: (context: CheckContext) => Promise<string>;
  /** Rights to create and list the second client's payments. */
  readonly ownToken: (context: CheckContext, client: SecondClient) => Promise<string>;
  /** Returns the URL of a new payment. */
  readonly create: (context: CheckContext, holder: TokenHolder) => Promise<string>;
}

const signedBy = ({ identity }: TokenHolder): { readonly sign?: Identity } => (identity ? { sign: identity } : {});

export const incomingPayments: Collection = {
  kind: 'incoming',
  party: (context) => context.receiver,
  access: incomingAccess,
  token: incomingToken,
  ownToken: async (context, client) =>
    (await requestToken(context, context.receiver, [incomingAccess(context.receiver)], client)).access_token.value,
  create: async ({ call, receiver }, holder) => {
    const answer = await call({
      operation: 'create-incoming-payment',
      url: `${receiver.resourceServer}/incoming-payments`,
      json: { walletAddress: receiver.url },
      token: holder.token,
      ...signedBy(holder),
    });
    return expectStatus(answer, 201).body.id;
  },
};

export const outgoingPayments: Collection = {
  kind: 'outgoing',
  party: (context) => context.sender,
  access: (party, actions) => outgoingAccess(party, undefined, actions),
  token: outgoingToken,
  ownToken: (context, client) => obtainToken(context, context.sender, outgoingAccess(context.sender), client),
  create: async (context, holder) => {
    const { call, sender } = context;
    const { id: receiver } = await createIncomingPayment(context, { value: '1' });
    const answer = await call({
      operation: 'create-outgoing-payment',
      url: `${sender.resourceServer}/outgoing-payments`,
      json: { walletAddress: sender.url, quoteId: (await createQuote(context, receiver)).id },
      token: holder.token,
      ...signedBy(holder),
    });
    return expectStatus(answer, 201).body.id;
  },
};

export const collections: readonly Collection[] = [incomingPayments, outgoingPayments];

/** The row that applies the rules of lists to outgoing payments. */
export const rowsFor = ({ kind }: Collection): string[] => (kind === 'outgoing' ? ['RS-OP-20'] : []);

/** The list of a party's payments. @param query further parameters, each with its `&` */
export async function listPayments(
  context: CheckContext,
  { kind, party, token }: Collection,
  query = '',
  holder?: TokenHolder,
  { resourceServer, url } = party(context),
): Promise<Answer> {
  const used = holder ?? { token: await token(context) };
  return context.call({
    operation: `list-${kind}-payments`,
    url: `${resourceServer}/${kind}-payments?wallet-address=${encodeURIComponent(url)}${query}`,
    token: used.token,
    ...signedBy(used),
  });
}

export const idsOf = (answer: Answer): string[] => answer.body.result.map(({ id }: { id: string }) => id);

/** The newest incoming payment of the run's client: another one means that a payment was created. */
export const newestPayment = async (context: CheckContext): Promise<string | undefined> =>
  idsOf(expectStatus(await listPayments(context, incomingPayments, '&first=1'), 200))[0];

/** Five payments of this run, oldest first. */
export const fivePayments = (context: CheckContext, collection: Collection): Promise<string[]> =>
  context.shared(`five ${collection.kind} payments`, async () =>
    createSeveral(context, collection, { token: await collection.token(context) }, 5),
  );

/** A client that has created exactly four payments: its list holds nothing else. Oldest first. */
export const listOfFour = (context: CheckContext, collection: Collection) =>
  context.shared(`list of four ${collection.kind} payments`, async () => {
    const client = await addClient(context, 'lister');
    const holder = { token: await collection.ownToken(context, client), identity: client.identity };
    return { holder, made: await createSeveral(context, collection, holder, 4) };
  });

async function createSeveral(
  context: CheckContext,
  collection: Collection,
  holder: TokenHolder,
  count: number,
): Promise<string[]> {
  const made: string[] = [];
  for (let i = 0; i < count; i += 1) made.push(await collection.create(context, holder));
  return made;
}
