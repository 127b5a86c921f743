/** A run at a target that somebody else owns: what it may spend, what it removes, and what it names as left behind. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { announce, readFigures } from '../../conformance/runner/announcement.ts';
import { findLack, NotApplicable } from '../../conformance/runner/capability.ts';
import type { Party } from '../../conformance/runner/check.ts';
import { createFootprint, describeLeftovers, formatMoney, parseBudget } from '../../conformance/runner/footprint.ts';
import { watchInterrupts } from '../../conformance/runner/interrupts.ts';
import type { Target } from '../../conformance/runner/target.ts';
import type { Answer, Call, Json } from '../../conformance/steps/signed-client.ts';

const partyAt = (host: string): Party => ({
  url: `https://${host}/w`,
  authServer: `https://${host}/auth`,
  resourceServer: `https://${host}/op`,
  assetCode: 'USD',
  assetScale: 2,
});
const sender = partyAt('a.example');
const receiver = partyAt('b.example');

const answer = (call: Call, status: number, body: Json): Answer =>
  ({ status, body, operation: call.operation, sent: { url: call.url, method: call.method ?? 'POST' } }) as Answer;

/** Records the calls; `statuses` are those of single URLs, 200 otherwise. */
function createServer(statuses: Readonly<Record<string, number>> = {}) {
  const calls: Call[] = [];
  let next = 0;
  const call = async (one: Call): Promise<Answer> => {
    calls.push(one);
    const status = statuses[one.url];
    if (status !== undefined) return answer(one, status, undefined);
    next += 1;
    switch (one.operation) {
      case 'create-incoming-payment':
        return answer(one, 201, {
          id: `${receiver.resourceServer}/incoming-payments/${next}`,
          walletAddress: receiver.url,
        });
      case 'create-quote':
        return answer(one, 201, { id: `${sender.resourceServer}/quotes/${next}`, debitAmount: { value: '60' } });
      case 'create-outgoing-payment':
        return answer(one, 201, {
          id: `${sender.resourceServer}/outgoing-payments/${next}`,
          debitAmount: { value: '60' },
        });
      case 'post-request': {
        const token = { value: `token-${next}`, manage: `${receiver.authServer}/token/${next}` };
        const access = { uri: `${receiver.authServer}/continue/${next}`, access_token: { value: `continue-${next}` } };
        return answer(one, 200, { access_token: token, continue: access });
      }
      default:
        return answer(one, one.method === 'DELETE' ? 204 : 200, undefined);
    }
  };
  return { call, calls };
}

const options = { sender, receiver, client: 'https://c.example/me' };
const pay = (quoteId: string): Call => ({
  operation: 'create-outgoing-payment',
  url: `${sender.resourceServer}/outgoing-payments`,
  json: { walletAddress: sender.url, quoteId },
  token: 'pay',
});
const quote: Call = { operation: 'create-quote', url: `${sender.resourceServer}/quotes`, json: {} };
const incoming: Call = {
  operation: 'create-incoming-payment',
  url: `${receiver.resourceServer}/incoming-payments`,
  json: {},
  token: 'old',
};
const grant: Call = { operation: 'post-request', url: receiver.authServer, json: {} };

test('a payment that would exceed the budget is not sent', async () => {
  const { call, calls } = createServer();
  const footprint = createFootprint({ ...options, budget: 100n });
  const watched = footprint.watch(call);
  const [first, second] = [await watched(quote), await watched(quote)];
  await watched(pay(first.body.id));
  await assert.rejects(watched(pay(second.body.id)), new NotApplicable('budget'));
  await assert.rejects(watched({ ...pay(''), json: { debitAmount: { value: '41' } } }), /needs a larger --budget/);
  assert.equal(calls.filter(({ operation }) => operation === 'create-outgoing-payment').length, 1);
  assert.deepEqual(footprint.counts(), { incomingPayments: 0, quotes: 2, outgoingPayments: 1, spent: 60n });
});

test('payments at the same time share the budget, and a refused one gives it back', async () => {
  const { call } = createServer();
  let refuse = true;
  const footprint = createFootprint({ ...options, budget: 100n });
  const watched = footprint.watch(async (one) =>
    one.operation === 'create-outgoing-payment' && refuse ? answer(one, 403, {}) : call(one),
  );
  const id = (await watched(quote)).body.id;
  const results = await Promise.allSettled([watched(pay(id)), watched(pay(id))]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.equal(footprint.counts().spent, 0n);
  refuse = false;
  await watched(pay(id));
  assert.equal(footprint.counts().spent, 60n);
});

test('incoming payments are completed, tokens and grants end, and the rest is named', async () => {
  const stuck = `${receiver.authServer}/token/4`;
  const { call, calls } = createServer({
    [`${receiver.resourceServer}/incoming-payments/1/complete`]: 401,
    [stuck]: 500,
  });
  const footprint = createFootprint(options);
  const watched = footprint.watch(call);
  await watched(incoming);
  const second = await watched(incoming);
  await watched({
    operation: 'complete-incoming-payment',
    method: 'POST',
    url: `${second.body.id}/complete`,
    token: 'old',
  });
  await watched(grant);
  await watched(grant);
  await watched({
    operation: 'delete-continue',
    method: 'DELETE',
    url: `${receiver.authServer}/continue/4`,
    token: 'x',
  });
  const { body } = await watched(quote);
  calls.length = 0;
  const left = await footprint.cleanUp(call);
  assert.deepEqual(
    left.map(({ kind, url }) => [kind, url]),
    [
      ['incoming payment', `${receiver.resourceServer}/incoming-payments/1`],
      ['quote', body.id],
      ['access token', stuck],
    ],
  );
  const completed = calls
    .filter(({ operation }) => operation === 'complete-incoming-payment')
    .map(({ token }) => token);
  assert.equal(completed.length, 2, 'a second attempt with a new token');
  assert.equal(completed[0], 'old');
  assert.match(completed[1]!, /^token-/);
  assert.deepEqual(describeLeftovers(left.slice(0, 2), false), [
    'left behind: 1 incoming payment',
    `  ${receiver.resourceServer}/incoming-payments/1`,
    'left behind: 1 quote',
    `  ${body.id}`,
  ]);
});

test('a payment that two answers show is named once', async () => {
  const footprint = createFootprint(options);
  const url = `${sender.resourceServer}/outgoing-payments/1`;
  const watched = footprint.watch(async (call) => answer(call, 201, { id: url, debitAmount: { value: '1' } }));
  await watched(pay('quote'));
  await watched(pay('quote'));
  assert.deepEqual(await footprint.cleanUp(async (call) => answer(call, 204, undefined)), [
    { kind: 'outgoing payment', url },
  ]);
});

test('the cleaning waits for a request that is under way, and lets no other pass', async () => {
  const { call } = createServer();
  const gate = Promise.withResolvers<void>();
  const footprint = createFootprint(options);
  const watched = footprint.watch((one) => gate.promise.then(() => call(one)));
  const underWay = watched(quote);
  const cleaned = footprint.cleanUp(call);
  await assert.rejects(watched(incoming), /the run has ended/);
  gate.resolve();
  const { body } = await underWay;
  assert.deepEqual(await cleaned, [{ kind: 'quote', url: body.id }]);
});

test('the resources of other servers are left alone', async () => {
  const footprint = createFootprint(options);
  const foreign = { manage: 'https://world.example/token/1', value: 'v' };
  await footprint.watch(async (one) => answer(one, 200, { access_token: foreign }))(grant);
  assert.deepEqual(await footprint.cleanUp(() => assert.fail('no request is expected')), []);
});

test('a budget is an amount in the asset of the sender', () => {
  assert.equal(parseBudget('12.5', sender), 1250n);
  assert.equal(parseBudget('3 usd', sender), 300n);
  assert.equal(parseBudget('7', { assetCode: 'JPY', assetScale: 0 }), 7n);
  for (const [text, message] of [
    ['1.005', /more decimals than USD/],
    ['5 EUR', /in EUR, but the sender pays in USD/],
    ['-1', /takes an amount/],
    ['1e3', /takes an amount/],
  ] as const) {
    assert.throws(() => parseBudget(text, sender), message);
  }
  assert.equal(formatMoney({ ...sender, value: 5n }), '0.05 USD');
  assert.equal(formatMoney({ assetCode: 'JPY', assetScale: 0, value: 5n }), '5 JPY');
});

test('the announcement adds up what the checks create and spend', () => {
  const text = announce([{ incomingPayments: 2, quotes: 1 }, { quotes: 2, outgoingPayments: 1, spends: 150 }, {}], {
    sender,
    receiver,
    budget: 1000n,
  });
  assert.match(
    text,
    /The 3 checks create about 2 incoming payments at https:\/\/b\.example\/w, 3 quotes and 1 outgoing/,
  );
  assert.match(text, /about 1\.50 USD, 10\.00 USD at most \(--budget\)\. At the end/);
  assert.match(
    announce([undefined, {}], { sender, receiver, budget: undefined }),
    /without a limit\. 1 of the checks were not/,
  );
  const { needs, outgoingPayments } = readFigures()['interledger.sender-shrinks']!;
  assert.ok(needs?.includes('administration') && outgoingPayments! > 0, 'the figures are measured');
});

test('the description of a target says which capabilities it lacks', () => {
  const bare = { reachesLocalServers: false } as Target;
  assert.equal(findLack(['local-servers', 'clock'], bare), 'local-servers');
  assert.equal(findLack(['clock'], bare), 'clock');
  assert.equal(findLack(['clock'], { ...bare, control: { url: 'u', token: 't' } }), undefined);
  assert.equal(findLack(['automatic-consent'], bare), undefined);
});

test('the first signal ends the checks, a second one the program, but not the same key press', () => {
  const exits: number[] = [];
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  let now = 0;
  const interrupts = watchInterrupts(source, () => now);
  source.emit('SIGINT');
  source.emit('SIGTERM');
  assert.equal(interrupts.received(), 'SIGINT');
  assert.ok(interrupts.aborted.aborted);
  assert.deepEqual(exits, []);
  now = 2000;
  source.emit('SIGINT');
  assert.deepEqual(exits, [2]);
  interrupts.end();
  assert.equal(source.listenerCount('SIGINT'), 0);
});
