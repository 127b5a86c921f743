/**
 * The worst input of each class whose cost a stranger controls: while it is processed, `/livez` answers and another
 * client is served, and no turn of the event loop computes for long (RFC 9635 §11, RFC 9421 §7.2.8).
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { matchesPassphrase } from '../../src/crypto/passphrase-digest.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type AttackedWorld, startAttackedWorld } from '../support/attacked-world.ts';
import { createPayer } from '../support/payer.ts';
import { openRaw } from '../support/raw-connection.ts';
import { send } from '../support/signed-fetch.ts';

/** CPU time of one turn in milliseconds. 100 are the goal; a core that is shared needs up to three times as many. */
const MAX_TURN_MS = 300;
const BODY_BYTES = 100 * 1024;

const attacked: AttackedWorld = startAttackedWorld({ definition: { ...defaultWorld, maxPacketAmount: 10n } });

/** Between two looks at the CPU time: a loop that looked in each turn would never rest. */
const LOOK_MS = 5;

/**
 * The CPU time of this thread in the longest turn of the event loop while `work` runs, in milliseconds. Up to LOOK_MS
 * of shorter turns are in it.
 */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  const now = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [longest, last] = [0, now()];
  const look = (): void => {
    const time = now();
    longest = Math.max(longest, time - last);
    last = time;
  };
  const looking = setInterval(look, LOOK_MS);
  await work().finally(() => clearInterval(looking));
  look();
  return longest;
}

const livez = async (): Promise<void> =>
  assert.equal((await fetch(new URL('/livez', attacked.prepared.rs))).status, 200);

let refused: Promise<void> | undefined;

/** The first refusal of a server loads the validator that explains it. Any test can be the first, as those of a mutant. */
async function refuseFirst(): Promise<void> {
  const { auth, rs, tokens } = attacked.prepared;
  const parts = { method: 'POST', body: {} };
  for (const url of [auth, `${rs}/quotes`, `${rs}/incoming-payments`]) {
    const { status } = await send(attacked.environment, { ...parts, url, token: tokens.incoming });
    assert.ok(status >= 400 && status < 500, `${status}`);
  }
}

/** All requests of the attack are answered with one of these statuses, and no other client waits for them. */
function attack(title: string, statuses: readonly number[], run: () => Promise<readonly number[]>): void {
  test(title, async () => {
    refused ??= refuseFirst();
    await refused;
    const longest = await longestTurn(async () => {
      const [answered] = await Promise.all([run(), livez(), attacked.isServed()]);
      for (const status of answered) assert.ok(statuses.includes(status), `status ${status}`);
    });
    assert.ok(longest < MAX_TURN_MS, `one turn took ${Math.round(longest)} ms`);
  });
}

const post = async (path: string, token: string | undefined, body: unknown): Promise<number> => {
  const parts = { method: 'POST', url: path, body, ...(token !== undefined && { token }) };
  return (await send(attacked.environment, parts)).status;
};

const withHeaders = async (headers: Readonly<Record<string, string>>): Promise<number> => {
  const url = attacked.prepared.incomingPayment;
  return (await send(attacked.environment, { method: 'GET', url, headers, signed: false })).status;
};

const fill = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);

attack('signature header fields of maximal size', [400, 401, 431], async () => {
  const authorization = 'GNAP x';
  const fields = [
    fill('"a", ', 8000),
    `sig=(${fill('"a" ', 8000)})`,
    `sig=();${fill('a;', 8000)}`,
    fill('a=("b");c, ', 8000),
  ];
  const signature = `sig=:${fill('A', 7000)}:`;
  return Promise.all(fields.map((field) => withHeaders({ authorization, signature, 'signature-input': field })));
});

attack('header fields that are lists', [200, 400, 406, 431], () =>
  Promise.all([
    withHeaders({ accept: fill('text/a;q=0.1,', 15_000) }),
    withHeaders({ cookie: fill('a=b; ', 15_000) }),
    withHeaders({ 'content-digest': fill('sha-256=:AA=:, ', 15_000) }),
  ]),
);

attack('texts for regular expressions', [400, 401], async () => {
  const { rs, payer, tokens } = attacked.prepared;
  const receivers = [
    `http://a${'/incoming-payments/'.repeat(5000)}\n`,
    `http://${fill('a.', 90_000)}`,
    fill(' ', 90_000),
  ];
  return Promise.all([
    ...receivers.map((receiver) =>
      post(`${rs}/quotes`, tokens.quote, { walletAddress: payer, receiver, method: 'ilp' }),
    ),
    ...receivers.map((walletAddress) => post(`${rs}/incoming-payments`, tokens.incoming, { walletAddress })),
  ]);
});

attack('numbers of many digits', [400], async () => {
  const { rs, payer, tokens } = attacked.prepared;
  const digits = `1${'0'.repeat(BODY_BYTES - 300)}1`;
  const amount = { value: digits, assetCode: 'USD', assetScale: 2 };
  return Promise.all([
    post(`${rs}/incoming-payments`, tokens.incoming, `{"walletAddress":"${payer}","metadata":{"n":${digits}}}`),
    post(`${rs}/incoming-payments`, tokens.incoming, { walletAddress: payer, incomingAmount: amount }),
  ]);
});

attack('nesting, and members beyond number', [200, 400, 401], async () => {
  const { rs, auth, tokens, payer } = attacked.prepared;
  const members = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, 1]));
  const interval = `R${'9'.repeat(300)}/2000-01-01T00:00:00Z/PT0.001S`;
  const item = { type: 'outgoing-payment', actions: ['create'], identifier: payer, limits: { interval } };
  const access = Array.from({ length: 200 }, (_, index) => ({ ...item, identifier: `${payer}${index}` }));
  const { client } = attacked.environment;
  return Promise.all([
    post(`${rs}/incoming-payments`, tokens.incoming, fill('[', BODY_BYTES)),
    post(`${rs}/incoming-payments`, tokens.incoming, fill('{"a":', BODY_BYTES)),
    post(`${rs}/incoming-payments`, tokens.incoming, { walletAddress: payer, metadata: members }),
    post(auth, undefined, { client, access_token: { access } }),
    post(auth, undefined, {
      client,
      access_token: { access: Array(1500).fill({ type: 'quote', actions: ['create'] }) },
    }),
  ]);
});

attack('a key set of many keys, which another server hosts', [400], async () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'other', alg: 'EdDSA', use: 'sig' };
  const keys = JSON.stringify({ keys: Array(1600).fill(key) });
  const server = createServer((_req, res) => void res.setHeader('content-type', 'application/json').end(keys));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const client = `http://localhost:${(server.address() as AddressInfo).port}/client`;
    const access = [{ type: 'quote', actions: ['create'] }];
    return [await post(attacked.prepared.auth, undefined, { client, access_token: { access } })];
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

attack('passphrases that are guessed', [], async () => {
  const guesses = await Promise.all(Array.from({ length: 60 }, () => matchesPassphrase('guess', undefined)));
  assert.ok(!guesses.includes(true));
  return [];
});

const raws: ReturnType<typeof openRaw>[] = [];
after(() => {
  for (const { socket } of raws) socket.destroy();
});

attack('long lists, and answers that are not read', [200], async () => {
  const { rs, payer, tokens } = attacked.prepared;
  const metadata = { text: 'x'.repeat(10_000) };
  const body = { walletAddress: payer, metadata };
  const created = await send(attacked.environment, {
    method: 'POST',
    url: `${rs}/incoming-payments`,
    token: tokens.incoming,
    body,
  });
  const id = new URL(created.body.id).pathname.split('/').at(-1);
  await sql`insert into incoming_payment select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()::text))).*
    from incoming_payment p, generate_series(1, 100) where id = ${id}`.execute(attacked.world.db.query);
  const path = `/incoming-payments?wallet-address=${encodeURIComponent(payer)}&first=100`;
  const list = { method: 'GET', url: `${rs}${path}`, token: tokens.incoming };
  let lines = '';
  const { status, body: page } = await send(attacked.environment, {
    ...list,
    spoil: (headers) => {
      lines = Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('');
    },
  });
  assert.equal(page.result.length, 100);
  for (let n = 0; n < 4; n += 1) {
    const raw = openRaw(rs, `GET ${path} HTTP/1.1\r\nHost: ${new URL(rs).host}\r\n${lines}\r\n`.repeat(8));
    raw.socket.pause();
    raws.push(raw);
  }
  return [status];
});

attack('a payment of many packets', [201], async () => {
  const { world, environment } = attacked;
  await world.controls.setConsent('auto');
  const payer = await createPayer(environment);
  const quote = await payer.quote(await payer.receive(environment.receiver, '400'));
  const { status } = await payer.pay(quote.id);
  const paid = world.settled();
  for (let asked = 0; asked < 5; asked += 1) await livez();
  await paid;
  return [status];
});
