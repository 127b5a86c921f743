/** Sends the requests of the money model over HTTP, as two clients and an operator, to a fresh world. */
import { setTimeout as wait } from 'node:timers/promises';
import pino from 'pino';
import type { DatabaseOptions } from '../../../src/database/database.ts';
import { createDeployment, type Deployment } from '../../../src/world/deployment.ts';
import type { World as RunningWorld } from '../../../src/world/world.ts';
import { type ControlAnswer, controlOf } from '../../support/administration.ts';
import { type RequestParts, send } from '../../support/signed-fetch.ts';
import { createExchange, type Handles } from './exchange.ts';
import { accountOf, clientOf, define, keys, obtainGrants, pathOf } from './grants.ts';
import { createNetwork, type Network } from './network.ts';
import { type Action, type Amount, type Answer, type AseName, type Fault, OTHER, type World } from './state.ts';
import { BEGINNING, read, readAnswer } from './wire.ts';

/** The money as seen from outside. */
export interface Sight {
  readonly balances: readonly bigint[];
  readonly payments: Readonly<
    Record<number, { readonly sent: bigint; readonly failed: boolean; readonly inDoubt: boolean }>
  >;
  readonly incoming: Readonly<Record<number, { readonly received: bigint; readonly completed: boolean }>>;
  readonly grants: Readonly<Record<number, { readonly debit: Amount | null; readonly receive: Amount | null }>>;
}

export interface Books {
  readonly balanced: boolean;
  /** Keys are the ASE and the account. */
  readonly balances: Readonly<Record<string, bigint>>;
}

/** A running world, as long as a sequence takes. */
export interface MoneyWorld {
  knows(kind: 'incoming' | 'quotes' | 'payments', number: number): boolean;
  arm(fault: Fault): Promise<void>;
  disarm(): Promise<void>;
  /** Resolves when a slow packet is held back, or no payment is left that could send one; or after many turns. */
  reachPacket(): Promise<void>;
  /** Lets slow packets go, once all payments within an ASE have ended. */
  release(): Promise<void>;
  send(action: Action): Promise<Answer>;
  /**
   * Resolves when all payments have ended, but for those in doubt whose peer is gone, and late copies of packets were
   * answered; looks up the URLs of resources whose answer was lost, and obtains the grants again that ended.
   */
  settle(): Promise<void>;
  look(of: {
    readonly payments: readonly number[];
    readonly incoming: readonly number[];
    readonly grants: readonly number[];
  }): Promise<Sight>;
  /** How many incoming and outgoing payments there are. */
  count(): Promise<{ readonly incoming: number; readonly payments: number }>;
  readBooks(): Promise<Books>;
  /** Sends these requests while the world is reset, and waits for what is left. */
  resetDuring(actions: readonly Action[]): Promise<void>;
  end(): Promise<void>;
}

export interface MoneyClient {
  open(world: World): Promise<MoneyWorld>;
  close(): Promise<void>;
}

/** Turns of waiting until nothing more will happen. Not a time, of which a busy machine would need more. */
const MAX_TURNS = 400;

const operations: Partial<Record<Action['kind'], string>> = {
  receive: 'create-incoming-payment',
  complete: 'complete-incoming-payment',
  quote: 'create-quote',
  'pay quote': 'create-outgoing-payment',
  'pay incoming': 'create-outgoing-payment',
};

export async function startMoneyClient(database: DatabaseOptions): Promise<MoneyClient> {
  const log = pino({ level: process.env['TOUCHSTONE_TEST_LOG'] ?? 'silent' });
  const deployment = await createDeployment({ host: '127.0.0.1', controlPort: 0, database, insecure: false, log });
  let opened = 0;
  return {
    async open(world) {
      opened += 1;
      const id = `money-${opened}`;
      const network = createNetwork({
        hasRelay: world.hasRelay,
        setDebtAllowed: async (ase, peer, isAllowed) => {
          const change = { balanceLimit: isAllowed ? null : '0' };
          const { status, text } = await controlOf(running)('PATCH', `/ases/${ase}/peers/${peer}`, change);
          if (status !== 200) throw new Error(`a peer's limit is answered with ${status} ${text}`);
        },
      });
      const running = await deployment.addWorld(id, {
        definition: define(world),
        consent: 'auto',
        profile: 'strict',
        wrapLink: network.wrapLink,
        worker: { concurrency: world.slots, slotTimeoutMs: 60_000 },
      });
      return enter(deployment, running, world, network);
    },
    close: deployment.close,
  };
}

async function enter(
  deployment: Deployment,
  running: RunningWorld,
  world: World,
  network: Network,
): Promise<MoneyWorld> {
  const control = controlOf(running);
  const operate = async (method: string, path: string, body?: unknown): Promise<ControlAnswer> => {
    const answer = await control(method, path, body);
    if (answer.status >= 500) throw new Error(`the control API answers ${answer.status} to ${method} ${path}`);
    return answer;
  };
  await operate('POST', '/clock', { freeze: true });
  await operate('POST', '/clock', { set: BEGINNING });
  const urls = world.wallets.map(({ ase }, number) => running.walletUrl({ ase, path: pathOf(number) }));
  const baseOf = (ase: AseName) => running.ases.find(({ name }) => name === ase)!;

  const clientUrl = (client: number) => running.walletUrl({ ase: 'granite', path: `/client-${client}` });
  const call = (client: number, parts: RequestParts) =>
    send(
      {
        walletAddress: '',
        receiver: '',
        client: clientUrl(client),
        keyId: 'key',
        privateKey: keys[client]!.pem,
      },
      parts,
    );

  const { payees, payers, renew } = await obtainGrants(world, { call, urls, baseOf, clientUrl });

  const handles: Handles = { incoming: new Map(), quotes: new Map(), payments: new Map() };
  const resources = (wallet: number) => baseOf(world.wallets[wallet]!.ase).resourceServer;
  /** Wallet of each incoming payment. */
  const payeeOf = new Map<number, number>();
  /** Grant of each outgoing payment. */
  const grantOf = new Map<number, number>();

  /** Wallet addresses whose grants have ended. */
  const moved = new Set<number>();
  const exchange = createExchange({
    ...{ world, urls, resources, call, operate, payees, payers, handles, payeeOf, grantOf, moved },
  });

  function remember(action: Action, id: string | undefined): void {
    if (id === undefined) return;
    if (action.kind === 'receive') handles.incoming.set(action.incoming, id);
    if (action.kind === 'quote') handles.quotes.set(action.quote, id);
    if (action.kind === 'pay quote' || action.kind === 'pay incoming') handles.payments.set(action.payment, id);
  }

  /** All of a wallet's incoming or outgoing payments. */
  async function list(collection: 'incoming-payments' | 'outgoing-payments', wallet: number, of: string, by: number) {
    const query = new URLSearchParams({ 'wallet-address': urls[wallet]!, first: '100' });
    const answer = await call(by, { method: 'GET', url: `${resources(wallet)}/${collection}?${query}`, token: of });
    if (answer.status !== 200) throw new Error(`a list is answered with ${answer.status}`);
    return answer.body.result as readonly { id: string; metadata: { number: number } }[];
  }

  async function readAll() {
    const payments = new Map<number, string>();
    const incoming = new Map<number, string>();
    for (const wallet of new Set(world.grants.map(({ wallet: payer }) => payer))) {
      const grant = world.grants.findIndex((terms) => terms.wallet === wallet);
      for (const { id, metadata } of await list('outgoing-payments', wallet, payers[grant]!, clientOf(grant)))
        payments.set(metadata.number, id);
    }
    for (const wallet of new Set(payeeOf.values()))
      for (const { id, metadata } of await list('incoming-payments', wallet, payees[world.wallets[wallet]!.ase], 0))
        incoming.set(metadata.number, id);
    return { payments, incoming };
  }

  /** ASEs that have removed their peer. */
  const parted = new Set<AseName>();
  /** Payments with a packet in doubt. */
  async function listInDoubt(): Promise<ReadonlySet<string>> {
    if (parted.size === 0) return new Set();
    const lists = await Promise.all(
      ['granite', 'marble'].map((ase) => operate('GET', `/ases/${ase}/packets-in-doubt?first=100`)),
    );
    return new Set(lists.flatMap(({ body }) => (body.packets as { payment: string }[]).map(({ payment }) => payment)));
  }

  let hasLost = false;
  const get = async (url: string, token: string, client: number) => {
    const answer = await call(client, { method: 'GET', url, token });
    if (answer.status !== 200) throw new Error(`${url} is answered with ${answer.status}`);
    return answer.body;
  };
  const balancesOf = async (): Promise<bigint[]> => {
    const all = new Map<string, string>();
    for (const ase of ['granite', 'marble']) {
      const { accounts } = (await operate('GET', `/ases/${ase}/accounts`)).body as {
        accounts: readonly { id: string; balance: string }[];
      };
      for (const { id, balance } of accounts) all.set(id, balance);
    }
    return Array.from({ length: 2 * OTHER }, (_, account) => BigInt(all.get(accountOf(account))!));
  };

  return {
    knows: (kind, number) => handles[kind].has(number),
    async arm(fault) {
      if ('packet' in fault) network.arm(fault);
      if ('packet' in fault && (fault.fate === 'repeated' || fault.fate === 'indebted')) return;
      const codes = { final: 'F00', temporary: 'T00' } as const;
      const body =
        'at' in fault
          ? { operation: operations[fault.at], kind: fault.isDone ? 'after-commit' : 'reset' }
          : {
              operation: 'send-packet',
              nth: fault.packet,
              ...(fault.fate === 'final' || fault.fate === 'temporary'
                ? { kind: 'status', code: codes[fault.fate] }
                : { kind: fault.fate === 'lost' ? 'reset' : 'after-commit' }),
            };
      const { status } = await operate('POST', '/faults', body);
      if (status !== 201) throw new Error(`a fault is answered with ${status}`);
    },
    async disarm() {
      network.arm(undefined);
      await operate('DELETE', '/faults');
    },
    async reachPacket() {
      const isPending = () =>
        deployment.db.query
          .selectFrom('outgoing_payment')
          .select('id')
          .where('state', '=', 'pending')
          .where('ase', 'like', `${running.id}/%`)
          .executeTakeFirst();
      // A payment within the ASE may wait for room that another one has reserved.
      for (let turn = 0; turn < MAX_TURNS && !network.isHolding() && (await isPending()); turn += 1) await wait(5);
    },
    async release() {
      const isLocalPending = () =>
        deployment.db.query
          .selectFrom('outgoing_payment')
          .select('id')
          .where('state', '=', 'pending')
          .where('peer', 'is', null)
          .where('ase', 'like', `${running.id}/%`)
          .executeTakeFirst();
      for (let turn = 0; await isLocalPending(); turn += 1) {
        if (turn > MAX_TURNS) throw new Error('a payment within the ASE waits for one to a slow peer');
        await wait(5);
      }
      network.release();
    },
    async send(action) {
      const response = await exchange(action).catch((error: unknown) => {
        // The error of fetch when the connection ends without an answer.
        if (error instanceof TypeError && error.message === 'fetch failed') return undefined;
        throw error;
      });
      if (!response) {
        hasLost = true;
        return { status: 'lost' };
      }
      if (response.status < 300) remember(action, response.body?.id);
      if (action.kind === 'part' && response.status === 204) parted.add(action.ase);
      if (action.kind === 'rejoin' && response.status === 201) parted.delete(action.ase);
      return readAnswer(action, response);
    },
    async settle() {
      for (let turn = 0; ; turn += 1) {
        await running.settled();
        // Skip the back-off: the wall clock is not part of the model.
        const waiting = await deployment.db.query
          .updateTable('outgoing_payment')
          .set({ next_attempt_at: new Date().toISOString() })
          .where('state', '=', 'pending')
          .where('ase', 'like', `${running.id}/%`)
          .$if(parted.size > 0, (query) =>
            query.where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('outgoing_packet as packet')
                    .select('packet.condition')
                    .whereRef('packet.ase', '=', 'outgoing_payment.ase')
                    .whereRef('packet.payment_id', '=', 'outgoing_payment.id')
                    .where('packet.state', '=', 'prepared'),
                ),
              ),
            ),
          )
          .returning('ase')
          .execute();
        if (waiting.length === 0) break;
        if (turn > 200) throw new Error('a payment does not come to its end');
        for (const { ase } of waiting) running.wake({ ase, kind: 'payments', dueAt: 0 });
      }
      await network.deliverLateCopies();
      for (const wallet of moved) await renew(wallet);
      moved.clear();
      if (!hasLost) return;
      const all = await readAll();
      for (const [number, url] of all.payments) handles.payments.set(number, url);
      for (const [number, url] of all.incoming) handles.incoming.set(number, url);
      hasLost = false;
    },
    async look(of) {
      const sight = { balances: await balancesOf(), payments: {}, incoming: {}, grants: {} } as {
        -readonly [Member in keyof Sight]: Sight[Member] & object;
      } & { payments: Record<number, object>; incoming: Record<number, object>; grants: Record<number, object> };
      const inDoubt = await listInDoubt();
      for (const number of of.payments) {
        const url = handles.payments.get(number);
        if (url === undefined) continue;
        const grant = grantOf.get(number)!;
        const { failed, sentAmount } = await get(url, payers[grant]!, clientOf(grant));
        const isInDoubt = inDoubt.has(url.split('/').at(-1)!);
        sight.payments[number] = { sent: BigInt(sentAmount.value), failed, inDoubt: isInDoubt };
      }
      for (const number of of.incoming) {
        const url = handles.incoming.get(number);
        if (url === undefined) continue;
        const { receivedAmount, completed } = await get(url, payees[world.wallets[payeeOf.get(number)!]!.ase], 0);
        sight.incoming[number] = { received: BigInt(receivedAmount.value), completed };
      }
      for (const number of of.grants) {
        const base = resources(world.grants[number]!.wallet);
        const spent = await get(`${base}/outgoing-payment-grant`, payers[number]!, clientOf(number));
        sight.grants[number] = { debit: read(spent.spentDebitAmount), receive: read(spent.spentReceiveAmount) };
      }
      return sight as Sight;
    },
    async count() {
      const { payments, incoming } = await readAll();
      return { payments: payments.size, incoming: incoming.size };
    },
    async readBooks() {
      const { ases } = (await operate('GET', '/ledger')).body as {
        ases: { name: string; balanced: boolean; accounts: { account: string; balance: string }[] }[];
      };
      return {
        balanced: ases.every(({ balanced }) => balanced),
        balances: Object.fromEntries(
          ases.flatMap(({ name, accounts }) =>
            accounts.map(({ account, balance }) => [`${name} ${account}`, BigInt(balance)]),
          ),
        ),
      };
    },
    async resetDuring(actions) {
      const sent = actions.map((action) => exchange(action).catch(() => undefined));
      await Promise.all([operate('POST', '/reset'), ...sent]);
      await running.settled();
    },
    async end() {
      network.release();
      await deployment.removeWorld(running.id);
    },
  };
}
