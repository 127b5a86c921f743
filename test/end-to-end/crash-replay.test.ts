/**
 * A process is killed at the worst moments, as by a power failure: the sender between "packet sent" and "answer booked",
 * the receiver between "booked" and "answered". After the restart the books balance and the amount has arrived once
 * (ILP-18, RS-OP-30). Each ASE is a separate process with a separate PostgreSQL database.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findFreePort } from '../support/free-port.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { type RunningProcess, readEnvironment, startProcess } from '../support/process.ts';
import { type Answer, type RequestParts, send } from '../support/signed-fetch.ts';
import { eventually } from './support/books.ts';

const controlToken = 'control-token-of-a-test';
/** Two packets: the largest on the link is 2,500.00. */
const amount = '400000';

const scenarios = [
  {
    name: 'the sender dies with its packet unanswered, then with the answer not booked, then with the last packet unanswered',
    dies: 'granite',
    // Each process first repeats the packet that the one before it left in doubt.
    at: ['packet-sent', 'packet-answered', 'packet-sent:2'],
  },
  { name: 'the receiver dies before it answers what it booked', dies: 'marble', at: ['packet-credited'] },
] as const;

/** How a process ends. If the lease of the one before has run out, it may do so before it is ready. */
const endOf = (starting: Promise<RunningProcess>) =>
  starting.then(
    ({ ended }) => ended,
    ({ message }: Error) => /^ended with (\w+) before/.exec(message)?.[1],
  );

// Both at once: after each death they wait some ten seconds for the lease of the dead process to run out.
describe('after a crash the amount arrives once', { skip: needsPostgres, concurrency: true }, () => {
  for (const scenario of scenarios) {
    test(scenario.name, async () => {
      const port = await findFreePort(100);
      const databases = { granite: await createTestDatabase(), marble: await createTestDatabase() };
      const start = (ase: 'granite' | 'marble', failpoint?: string): Promise<RunningProcess> => {
        const common = ['--port', String(port), '--control-port', '0', '--control-token', controlToken];
        const own = [
          '--ase',
          ase,
          '--database-url',
          databases[ase].url,
          '--peer-secret',
          'between the two',
          '--consent',
          'auto',
        ];
        return startProcess([...common, ...own, ...(failpoint === undefined ? [] : ['--failpoint', failpoint])]);
      };
      const { dies, at } = scenario;
      const running = {
        marble: await start('marble', dies === 'marble' ? at[0] : undefined),
        granite: await start('granite', dies === 'granite' ? at[0] : undefined),
      };
      try {
        const { incomingPayment, outgoingPayment } = await pay(running.granite);
        assert.equal(await running[dies].ended, 'SIGKILL');
        for (const failpoint of at.slice(1)) assert.equal(await endOf(start(dies, failpoint)), 'SIGKILL');
        running[dies] = await start(dies);

        await eventually(async () => (await fetchJson(incomingPayment)).receivedAmount.value === amount);
        const environment = readEnvironment(running.granite.ready);
        const read = () => send(environment, { method: 'GET', url: outgoingPayment.url, token: outgoingPayment.token });
        await eventually(async () => (await read()).body.sentAmount.value === outgoingPayment.debit);
        assert.equal((await read()).body.failed, false);

        const [granite, marble] = await Promise.all([readBooks(running.granite), readBooks(running.marble)]);
        assert.deepEqual([granite.balanced, marble.balanced], [true, true]);
        const owed = BigInt(balanceOf(granite, 'peer:marble:EUR:2'));
        assert.equal(owed, BigInt(amount));
        assert.equal(BigInt(balanceOf(marble, 'peer:granite:EUR:2')), -owed, 'the peers agree on what is owed');
        assert.equal(balanceOf(marble, 'customer:/bob'), amount);
        assert.equal(balanceOf(granite, 'hold:USD:2'), '0');
      } finally {
        await Promise.all([running.granite.stop(), running.marble.stop()]);
        await Promise.all([databases.granite.drop(), databases.marble.drop()]);
      }
    });
  }
});

/** Creates an incoming payment at marble and an outgoing one to it at granite. */
async function pay(granite: RunningProcess) {
  const environment = readEnvironment(granite.ready);
  const [payer, payee] = await Promise.all([fetchJson(environment.walletAddress), fetchJson(environment.receiver)]);
  const post = async (url: string, body: unknown, token?: string): Promise<Answer['body']> => {
    const parts: RequestParts = { method: 'POST', url, body, ...(token !== undefined && { token }) };
    let answer = await send(environment, parts);
    // A server waits five seconds for the client's keys: on a busy machine, the other process may take longer.
    while (answer.text.includes("the client's key set cannot be fetched")) answer = await send(environment, parts);
    assert.ok(answer.status < 300, answer.text);
    return answer.body;
  };
  const grant = (url: string, access: unknown, interact?: unknown) =>
    post(url, { client: environment.client, access_token: { access: [access] }, ...(interact ? { interact } : {}) });
  const incoming = await grant(payee.authServer, { type: 'incoming-payment', actions: ['create'] });
  const { id: incomingPayment } = await post(
    `${payee.resourceServer}/incoming-payments`,
    { walletAddress: payee.id, incomingAmount: { value: amount, assetCode: 'EUR', assetScale: 2 } },
    incoming.access_token.value,
  );
  const pending = await grant(
    payer.authServer,
    { type: 'outgoing-payment', actions: ['create', 'read'], identifier: payer.id },
    { start: ['redirect'], finish: { method: 'redirect', uri: 'http://localhost:1/', nonce: 'n' } },
  );
  const location = (await fetch(pending.interact.redirect, { redirect: 'manual' })).headers.get('location')!;
  const reference = { interact_ref: new URL(location).searchParams.get('interact_ref') };
  const continued = await post(pending.continue.uri, reference, pending.continue.access_token.value);
  const token = continued.access_token.value;
  const quoting = await grant(payer.authServer, { type: 'quote', actions: ['create'] });
  const quote = await post(
    `${payer.resourceServer}/quotes`,
    { walletAddress: payer.id, receiver: incomingPayment, method: 'ilp' },
    quoting.access_token.value,
  );
  const payment = await post(
    `${payer.resourceServer}/outgoing-payments`,
    { walletAddress: payer.id, quoteId: quote.id },
    token,
  );
  return { incomingPayment, outgoingPayment: { url: payment.id, token, debit: payment.debitAmount.value } };
}

// biome-ignore lint/suspicious/noExplicitAny: read as expected
const fetchJson = async (url: string): Promise<any> => (await fetch(url)).json();

interface Books {
  readonly balanced: boolean;
  readonly accounts: readonly { readonly account: string; readonly balance: string }[];
}

async function readBooks({ ready }: RunningProcess): Promise<Books> {
  const headers = { authorization: `Bearer ${controlToken}` };
  const response = await fetch(`${ready.env['TOUCHSTONE_CONTROL']}/ledger`, { headers });
  return ((await response.json()) as { ases: [Books] }).ases[0];
}

const balanceOf = ({ accounts }: Books, account: string): string =>
  accounts.find((candidate) => candidate.account === account)!.balance;
