/**
 * Two ASEs in one database with equal names, wallet paths, key ids and secrets and, because their worlds share a seed,
 * equal ids, tokens and cursors. Whatever happens in one, the other shows, lists, counts and pays only its own rows.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { createDeployment, type Deployment } from '../../src/world/deployment.ts';
import { type CallControl, controlOf } from '../support/administration.ts';
import fc from '../support/fast-check.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { type Answer, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment } from '../support/world.ts';

let deployment: Deployment;
let drop: () => Promise<void>;
before(async () => {
  const database = await createFastestDatabase();
  drop = database.drop;
  deployment = await createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: database.options,
    insecure: false,
    log: pino({ level: 'silent' }),
  });
});
after(async () => {
  await deployment.close();
  await drop();
});

type Command =
  | { readonly kind: 'open' | 'grant' | 'revoke' | 'toggle' | 'key' | 'rotate' | 'pay-foreign'; readonly at: 0 | 1 }
  | { readonly kind: 'deposit' | 'pay'; readonly at: 0 | 1; readonly amount: number };

const at = fc.constantFrom<0 | 1>(0, 1);
const amount = fc.integer({ min: 1, max: 500 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open' as const), at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('pay' as const, 'deposit' as const), at, amount }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('grant', 'revoke', 'toggle', 'key', 'rotate', 'pay-foreign').map((kind) => kind as 'grant'),
      at,
    }),
  },
);

interface Payer {
  readonly environment: ClientEnvironment;
  readonly origin: string;
  readonly wallet: string;
  readonly asset: string;
  readonly quoteToken: string;
}

/** One ASE and what it should hold. */
interface Tenant extends Payer {
  readonly control: CallControl;
  readonly settled: () => Promise<void>;
  readonly payee: string;
  /** The other ASE of its world. */
  readonly neighbour: Payer;
  /** For incoming and outgoing payments. */
  readonly tokens: readonly [string, string];
  /** Path of each incoming payment → received, in the order of creation. */
  readonly payments: Map<string, bigint>;
  readonly keys: string[];
  readonly secrets: { count: number };
  /** Tokens of further grants. */
  readonly spare: { readonly token: string; active: boolean }[];
  readonly totals: { grants: number; payer: bigint; payee: bigint; active: boolean };
}

const granite = '/ases/granite';

async function grant(
  { environment, origin }: Pick<Tenant, 'environment' | 'origin'>,
  access: unknown,
): Promise<string> {
  const interact = {
    start: ['redirect'],
    finish: { method: 'redirect', uri: 'http://localhost:1/', nonce: 'nonce-of-client' },
  };
  const ask = (url: string, body: unknown, token?: string) => send(environment, { method: 'POST', url, body, token });
  const body = { client: environment.client, access_token: { access: [access] } };
  const isInteractive = (access as { type: string }).type === 'outgoing-payment';
  const first = (await ask(`${origin}/auth/`, isInteractive ? { ...body, interact } : body)).body;
  if (!isInteractive) return first.access_token.value;
  const back = (await fetch(first.interact.redirect, { redirect: 'manual' })).headers.get('location')!;
  const interact_ref = new URL(back).searchParams.get('interact_ref');
  const { uri, access_token } = first.continue;
  return (await ask(uri, { interact_ref }, access_token.value)).body.access_token.value;
}

async function startTenant(id: string): Promise<Tenant> {
  const world = await deployment.addWorld(id, { seed: 'equal', consent: 'auto' });
  const environment = clientEnvironment(world);
  const origin = world.ases[0]!.origin;
  const place = { environment, origin };
  const tokens = [
    await grant(place, { type: 'incoming-payment', actions: ['create', 'read', 'list'] }),
    await grant(place, { type: 'outgoing-payment', actions: ['create'], identifier: `${origin}/alice` }),
  ] as const;
  const quotes = { type: 'quote', actions: ['create'] };
  const next = { environment, origin: world.ases[1]!.origin };
  return {
    ...place,
    wallet: `${origin}/alice`,
    asset: 'USD',
    quoteToken: await grant(place, quotes),
    neighbour: { ...next, wallet: `${next.origin}/carol`, asset: 'EUR', quoteToken: await grant(next, quotes) },
    control: controlOf(world),
    settled: world.settled,
    payee: `${origin}/amelia`,
    tokens,
    payments: new Map(),
    keys: [],
    secrets: { count: 1 },
    spare: [],
    totals: { grants: 3, payer: 1_000_000n, payee: 100_000n, active: true },
  };
}

const call = (
  tenant: Tenant,
  method: string,
  path: string,
  token: string | undefined,
  body?: unknown,
): Promise<Answer> =>
  send(tenant.environment, {
    method,
    url: tenant.origin + path,
    token,
    body,
    ...(token === undefined && { signed: false }),
  });

const pathOf = (url: string): string => new URL(url).pathname;

const quote = ({ environment, origin, wallet, asset, quoteToken }: Payer, receiver: string, value: bigint) =>
  send(environment, {
    method: 'POST',
    url: `${origin}/quotes`,
    token: quoteToken,
    body: {
      walletAddress: wallet,
      receiver,
      method: 'ilp',
      debitAmount: { value: `${value}`, assetCode: asset, assetScale: 2 },
    },
  });

async function walletId(tenant: Tenant): Promise<string> {
  const { walletAddresses } = (await tenant.control('GET', `${granite}/wallet-addresses`)).body;
  return walletAddresses.find(({ url }: { url: string }) => url === tenant.payee).id;
}

async function run(command: Command, tenant: Tenant, other: Tenant): Promise<void> {
  const { totals, payments, control } = tenant;
  switch (command.kind) {
    case 'open': {
      const answer = await call(tenant, 'POST', '/incoming-payments', tenant.tokens[0], {
        walletAddress: tenant.payee,
      });
      assert.equal(answer.status, totals.active ? 201 : 400, answer.text);
      if (totals.active) payments.set(pathOf(answer.body.id), 0n);
      return;
    }
    case 'pay': {
      const [path] = [...payments.keys()].slice(-1);
      if (path === undefined || !totals.active) return;
      const value = BigInt(command.amount);
      const quoted = await quote(tenant, tenant.origin + path, value);
      assert.equal(quoted.status, 201, quoted.text);
      const body = { walletAddress: tenant.wallet, quoteId: quoted.body.id };
      const paid = await call(tenant, 'POST', '/outgoing-payments', tenant.tokens[1], body);
      assert.equal(paid.status, 201, paid.text);
      await tenant.settled();
      payments.set(path, payments.get(path)! + value);
      totals.payer -= value;
      totals.payee += value;
      return;
    }
    case 'pay-foreign': {
      const [path] = [...other.payments.keys()].slice(-1);
      if (path === undefined) return;
      // Neither this ASE nor its neighbour, which has a peer of the receiver's name, finds a way there.
      for (const payer of [tenant, tenant.neighbour]) {
        const quoted = await quote(payer, other.origin + path, 100n);
        assert.deepEqual([quoted.status, quoted.body.error?.description], [400, 'invalid receiver'], quoted.text);
      }
      // They asked the other one for a grant, as any client would.
      if (other.totals.active) other.totals.grants = await countGrants(other);
      return;
    }
    case 'deposit': {
      const answer = await control('POST', `${granite}/deposits`, {
        id: `deposit ${totals.payer}`,
        account: '/alice',
        amount: `${command.amount}`,
      });
      assert.equal(answer.status, 201, answer.text);
      totals.payer += BigInt(command.amount);
      return;
    }
    case 'grant': {
      const token = await grant(tenant, { type: 'incoming-payment', actions: ['read', 'list'] });
      tenant.spare.push({ token, active: true });
      totals.grants += 1;
      return;
    }
    case 'revoke': {
      const last = tenant.spare.findLast(({ active }) => active);
      if (!last) return;
      const { grants } = (await control('GET', `${granite}/grants?first=100`)).body;
      // Newest first, so the newest of the client that may only read.
      const found = grants.find(
        ({ state, access }: { state: string; access: { actions: string[] }[] }) =>
          state === 'issued' && access[0]?.actions.join() === 'read,list',
      );
      assert.equal((await control('DELETE', `${granite}/grants/${found.id}`)).status, 204);
      last.active = false;
      return;
    }
    case 'toggle': {
      totals.active = !totals.active;
      const path = `${granite}/wallet-addresses/${await walletId(tenant)}`;
      assert.equal((await control('PATCH', path, { active: totals.active })).status, 200);
      return;
    }
    case 'key': {
      const path = `${granite}/wallet-addresses/${await walletId(tenant)}/keys`;
      const kid = `key-${tenant.keys.length + 1}`;
      const jwk = { kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) };
      assert.equal((await control('POST', path, jwk)).status, 201);
      tenant.keys.push(kid);
      return;
    }
    case 'rotate':
      assert.equal((await control('POST', `${granite}/secrets`)).status, 201);
      tenant.secrets.count += 1;
      return;
  }
}

async function countGrants({ control }: Tenant): Promise<number> {
  return (await control('GET', `${granite}/grants?first=100`)).body.grants.length;
}

/** Each tenant shows exactly its own rows, although it is asked for those of both. */
async function compare(tenant: Tenant, other: Tenant): Promise<void> {
  const { totals, payments, control } = tenant;
  const status = (found: boolean) => (found ? (totals.active ? 200 : 400) : 404);
  for (const path of new Set([...payments.keys(), ...other.payments.keys()])) {
    const expected = payments.get(path);
    for (const token of [tenant.tokens[0], undefined]) {
      const answer = await call(tenant, 'GET', path, token);
      assert.equal(answer.status, status(expected !== undefined), `${path}: ${answer.text}`);
      if (answer.status === 200) assert.equal(answer.body.receivedAmount.value, `${expected}`);
    }
  }

  // Lists, from the start and from the cursors of either
  const list = (owner: Tenant, page: string) =>
    call(owner, 'GET', `/incoming-payments?wallet-address=${owner.payee}${page}`, owner.tokens[0]);
  if (totals.active) {
    const own = [...payments.keys()].toReversed().map((path) => tenant.origin + path);
    const ids = ({ body }: Answer): string[] => body.result.map(({ id }: { id: string }) => id);
    const whole = await list(tenant, '&first=100');
    assert.deepEqual(ids(whole), own);
    if (other.totals.active && other.payments.size > 0) {
      const { endCursor } = (await list(other, '&first=1')).body.pagination;
      const rest = await list(tenant, `&first=100&cursor=${endCursor}`);
      assert.ok(rest.status === 400 || ids(rest).every((id) => own.includes(id)), rest.text);
    }
  }

  // Tokens, keys, the document
  for (const { token, active } of tenant.spare) {
    const answer = await call(tenant, 'GET', `/incoming-payments?wallet-address=${tenant.origin}/alice`, token);
    assert.equal(answer.status, active ? 200 : 401);
  }
  const keys = await fetch(`${tenant.payee}/jwks.json`);
  assert.equal(keys.status, totals.active ? 200 : 404);
  const { keys: published = [] } = (await keys.json()) as { keys?: { kid: string }[] };
  if (totals.active)
    assert.deepEqual(
      published.map(({ kid }) => kid),
      tenant.keys,
    );

  // The administrator's totals
  const { accounts } = (await control('GET', `${granite}/accounts`)).body;
  const balance = (id: string) => accounts.find((account: { id: string }) => account.id === id).balance;
  assert.deepEqual([balance('/alice'), balance('/amelia')], [`${totals.payer}`, `${totals.payee}`]);
  assert.equal(await countGrants(tenant), totals.grants);
  assert.equal((await control('GET', `${granite}/secrets`)).body.secrets.length, tenant.secrets.count);
  const { walletAddresses } = (await control('GET', `${granite}/wallet-addresses`)).body;
  assert.equal(walletAddresses.length, 4);
  assert.ok(walletAddresses.every(({ url }: { url: string }) => url.startsWith(`${tenant.origin}/`)));
  const { ases } = (await control('GET', '/ledger')).body;
  assert.ok(ases.every(({ balanced }: { balanced: boolean }) => balanced));
}

test('nothing of one ASE is readable, payable or countable through its twin', async () => {
  let runs = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 6, maxLength: 16 }), async (commands) => {
      runs += 1;
      const names = [`left${runs}`, `right${runs}`] as const;
      try {
        const tenants = [await startTenant(names[0]), await startTenant(names[1])] as const;
        assert.deepEqual(tenants[0].tokens, tenants[1].tokens, 'the twins are equal');
        for (const step of commands) {
          const [tenant, other] = [tenants[step.at], tenants[step.at === 0 ? 1 : 0]];
          await run(step, tenant, other);
          seen.add(step.kind);
        }
        await compare(tenants[0], tenants[1]);
        await compare(tenants[1], tenants[0]);
      } finally {
        for (const name of names) await deployment.removeWorld(name);
      }
    }),
    { numRuns: 8, seed: 9635, endOnFailure: true },
  );
  assert.equal(seen.size, 9, [...seen].join());
});
