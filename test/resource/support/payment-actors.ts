/** Payment requests of a client to two servers of one ASE, and row locks that delay them until they coincide. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Answer, TwoServers, Which } from '../../auth/support/two-servers.ts';

const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
/** Bound for each wait, longer than anything takes on a busy machine. */
const MAX_WAIT_MS = 60_000;

export async function startPaymentActors(servers: TwoServers) {
  const { environment, authServer, resourceServer, databaseUrl, send, decide } = servers;
  const [holder, observer] = [0, 1].map(() => new pg.Client({ connectionString: databaseUrl })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([holder.connect(), observer.connect()]);
  const payer = environment.walletAddress;
  const otherPayer = payer.replace(/alice$/, 'bob');

  async function requestToken(access: object): Promise<string> {
    const body = { client: environment.client, access_token: { access: [access] } };
    const answer = await send(0, { url: authServer, body });
    assert.equal(answer.status, 200);
    return answer.body.access_token.value;
  }
  const incomingToken = await requestToken({ type: 'incoming-payment', actions: ['create', 'read', 'complete'] });
  const quoteToken = await requestToken({ type: 'quote', actions: ['create', 'read'] });

  const until = async (event: string, isTrue: () => Promise<boolean>): Promise<void> => {
    for (const since = performance.now(); !(await isTrue()); ) {
      if (performance.now() - since > MAX_WAIT_MS) throw new Error(`it did not happen: ${event}`);
      await pause(5);
    }
  };

  const actors = {
    otherPayer,
    /** The token of a new grant. */
    async outgoingToken(identifier = payer): Promise<string> {
      const access = [{ type: 'outgoing-payment', actions: ['create', 'read'], identifier }];
      const body = { client: environment.client, access_token: { access }, interact: { start: ['redirect'] } };
      const { body: pending } = await send(0, { url: authServer, body });
      assert.equal((await decide(0, pending.interact.redirect, 'accept')).status, 202);
      const { uri, access_token: token } = pending.continue;
      return (await send(0, { url: uri, token: token.value })).body.access_token.value;
    },
    async receiver(value?: string): Promise<string> {
      const body = { walletAddress: environment.client, ...(value !== undefined && { incomingAmount: usd(value) }) };
      const answer = await send(0, { url: `${resourceServer}/incoming-payments`, body, token: incomingToken });
      assert.equal(answer.status, 201);
      return answer.body.id;
    },
    // biome-ignore lint/suspicious/noExplicitAny: tests assert on the members they expect
    async quote(receiver: string, value: string, walletAddress = payer): Promise<any> {
      const body = { walletAddress, receiver, method: 'ilp', receiveAmount: usd(value) };
      const answer = await send(0, { url: `${resourceServer}/quotes`, body, token: quoteToken });
      assert.equal(answer.status, 201);
      return answer.body;
    },
    pay: (which: Which, quoteId: string, token: string, walletAddress = payer): Promise<Answer> =>
      actors.create(which, token, { walletAddress, quoteId }),
    /** The same request as `pay`, in other bytes and so with another signature. */
    payInOtherBytes: (which: Which, quoteId: string, token: string): Promise<Answer> =>
      actors.create(which, token, { quoteId, walletAddress: payer }),
    payWithKey: (which: Which, receiver: string, token: string, key: string): Promise<Answer> =>
      actors.create(
        which,
        token,
        { walletAddress: payer, incomingPayment: receiver, debitAmount: usd('10') },
        { 'idempotency-key': key },
      ),
    create: (which: Which, token: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
      send(which, { url: `${resourceServer}/outgoing-payments`, body, token, headers }),
    /** The number of payments to a receiver. */
    async paymentsTo(receiver: string): Promise<number> {
      const { rows } = await observer.query(
        `select from outgoing_payment as payment
          join quote on quote.ase = payment.ase and quote.id = payment.quote_id where quote.receiver = $1`,
        [receiver],
      );
      return rows.length;
    },
    complete: (which: Which, receiver: string): Promise<Answer> =>
      send(which, { url: `${receiver}/complete`, token: incomingToken }),
    async received(receiver: string): Promise<string> {
      return (await send(1, { method: 'GET', url: receiver, token: incomingToken })).body.receivedAmount.value;
    },
    async isCompleted(receiver: string): Promise<boolean> {
      return (await send(1, { method: 'GET', url: receiver, token: incomingToken })).body.completed;
    },
    /** `completed` or `failed`, and the sent amount. */
    async settled(paymentUrl: string): Promise<string> {
      const id = paymentUrl.split('/').at(-1);
      const read = () => observer.query('select state, sent_amount from outgoing_payment where id = $1', [id]);
      await until('the payment ends', async () => (await read()).rows[0].state !== 'pending');
      const [{ state, sent_amount }] = (await read()).rows;
      return `${state} ${sent_amount}`;
    },
    /** Holds the locks of a statement; `blocked(n, text)` resolves when n statements that begin so wait for a lock. */
    async hold(statement: string, parameters: readonly string[]) {
      await holder.query('begin');
      await holder.query(statement, [...parameters]);
      const waiting = (begin: string) =>
        observer.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and starts_with(ltrim(query, E'\\n '), $1)`,
          [begin],
        );
      return {
        blocked: (count: number, begin = '') =>
          until(`${count} wait`, async () => (await waiting(begin)).rows.length >= count),
        release: () => holder.query('rollback'),
      };
    },
    holdReceiver: (receiver: string) =>
      actors.hold('select from incoming_payment where id = $1 for update', [receiver.split('/').at(-1)!]),
    /** Runs a statement, for example one that drops a constraint. */
    run: (statement: string) => observer.query(statement),
    close: () => Promise.all([holder.end(), observer.end()]),
  };
  return actors;
}
