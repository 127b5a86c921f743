/** Grants that are stored at once: they share a statement or a transaction, and each has its own end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { findCaller } from '../../src/auth/caller.ts';
import { type Grant, type NewGrant, transitionGrant } from '../../src/auth/grant.ts';
import { findGrantOfContinuation, findGrantOfInteraction, type NewToken } from '../../src/auth/grant-rows.ts';
import { createGrantStore, onCurrentGrant } from '../../src/auth/grant-store.ts';
import { digestSecret } from '../../src/crypto/secret-digest.ts';
import { toInstant } from '../../src/database/columns.ts';
import type { Access } from '../../src/open-payments/access.ts';
import { useTestDatabase } from '../database/support/open.ts';

const db = useTestDatabase();
const ase = 'granite';
const now = Date.UTC(2026, 0, 1);
const access: Access[] = [{ type: 'quote', actions: ['create'] }];
const jwk = { kid: 'k "1"', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } as const;

const newGrant = (id: string, properties: Partial<NewGrant> = {}): NewGrant => ({
  id,
  state: 'issued',
  clientId: 'https://client.example/me',
  client: { walletAddress: 'https://client.example/me' },
  clientName: undefined,
  access,
  subject: undefined,
  continueId: `continue ${id}`,
  continueDigest: digestSecret(`continuation of ${id}`),
  wait: 5,
  createdAt: now,
  interaction: undefined,
  ...properties,
});

const newToken = (value: string): NewToken => ({
  id: `id of ${value}`,
  manage_id: `management of ${value}`,
  value_digest: digestSecret(value),
  created_at: toInstant(now),
  expires_at: toInstant(now + 600_000),
});

const read = async (id: string): Promise<Grant> => (await findGrantOfContinuation(db.query, ase, `continue ${id}`))!;

/** The id of the grant that the token is for. */
const grantOf = async (token: string) => (await findCaller(db.query, ase, token, now))?.grantId;

test('grants that are requested at once are stored by one statement, each with what belongs to it', async () => {
  const store = createGrantStore({ db, ase });
  const subject = { sub_ids: [{ id: 'https://wallet.example/alice', format: 'uri' as const }] };
  const interaction = {
    id: 'interaction',
    nonce: 'nonce of the server',
    expiresAt: now + 600_000,
    finish: { uri: 'https://client.example/?a=“b”', nonce: "nonce of the client, with ' and \\" },
  };
  const issued = newGrant('issued');
  const ofKey = newGrant('of-key', { clientId: 'thumbprint', client: { jwk } });
  const pending = newGrant('pending', { state: 'pending', clientName: 'Zoë, {"a"}', subject, interaction });
  await Promise.all([
    store.insert({ grant: issued, token: newToken('first') }),
    store.insert({ grant: pending }),
    store.insert({ grant: ofKey, token: newToken('second') }),
  ]);

  const versions = new Set<string>();
  for (const grant of [issued, ofKey]) {
    const { version, continuedAt, ...others } = await read(grant.id);
    const { createdAt, ...expected } = grant;
    assert.deepEqual({ ...others, createdAt: continuedAt }, { ...expected, createdAt });
    versions.add(version);
  }
  const {
    version,
    interaction: storedInteraction,
    ...others
  } = (await findGrantOfInteraction(db.query, ase, 'interaction'))!;
  versions.add(version);
  assert.deepEqual(
    { ...others, interaction: storedInteraction },
    {
      ...{ id: 'pending', state: 'pending', clientId: pending.clientId, client: pending.client },
      ...{ clientName: 'Zoë, {"a"}', access, subject, wait: 5, continuedAt: now },
      ...{ continueId: pending.continueId, continueDigest: pending.continueDigest },
      interaction: {
        ...interaction,
        ...{ sessionDigest: null, sessionKept: false, ticketDigest: null, interactRefDigest: null },
      },
    },
  );
  assert.equal(versions.size, 1, 'one statement has written all rows');

  assert.deepEqual([await grantOf('first'), await grantOf('second')], ['issued', 'of-key']);
  const { rows } = await sql<{ tokens: number }>`select count(*)::int as tokens from access_token`.execute(db.query);
  assert.equal(rows[0]!.tokens, 2);
});

test('a grant that cannot be stored does not affect those that are requested with it', async () => {
  const store = createGrantStore({ db, ase });
  await store.insert({ grant: newGrant('earlier'), token: newToken('earlier') });
  const ends = await Promise.allSettled([
    store.insert({ grant: newGrant('before'), token: newToken('before') }),
    store.insert({
      grant: newGrant('without-token-of-its-own'),
      token: { ...newToken('taken'), id: newToken('earlier').id },
    }),
    store.insert({ grant: newGrant('after'), token: newToken('after') }),
  ]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const { rows } = await sql<{ id: string }>`
    select id from gnap_grant where id in ('before', 'without-token-of-its-own', 'after') order by id`.execute(
    db.query,
  );
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['after', 'before'],
  );
});

/** Grants that are approved, as they are read. */
async function approved(...ids: readonly string[]): Promise<Grant[]> {
  const { insert } = createGrantStore({ db, ase });
  await Promise.all(ids.map((id) => insert({ grant: newGrant(id, { state: 'approved' }) })));
  return Promise.all(ids.map(read));
}

test('changes that are decided at once are stored by one transaction, each with its token', async () => {
  const store = createGrantStore({ db, ase });
  const [second, first] = await approved('b', 'a');
  await Promise.all([
    store.update(second!, transitionGrant(second!, 'issue'), newToken('of b')),
    store.update(first!, transitionGrant(first!, 'issue'), newToken('of a')),
  ]);
  assert.deepEqual([await grantOf('of a'), await grantOf('of b')], ['a', 'b']);
  assert.equal((await read('a')).version, (await read('b')).version);
});

test('of two changes of one grant the first is stored, and the other is decided again', async () => {
  const store = createGrantStore({ db, ase });
  const [grant, other] = await approved('contested', 'uncontested');
  const seen: string[] = [];
  const issue = (token: string) =>
    onCurrentGrant(
      () => read('contested'),
      async (current) => {
        seen.push(`${token}: ${current.state}`);
        if (current.state === 'approved') {
          await store.update(current, transitionGrant(current, 'issue'), newToken(token));
        }
      },
      grant,
    );
  await Promise.all([
    issue('fast'),
    issue('slow'),
    store.update(other!, transitionGrant(other!, 'issue'), newToken('of the other')),
  ]);
  assert.deepEqual(seen, ['fast: approved', 'slow: approved', 'slow: issued']);
  assert.deepEqual(
    [await grantOf('fast'), await grantOf('slow'), await grantOf('of the other')],
    ['contested', undefined, 'uncontested'],
  );
});

test('a change that cannot be stored does not affect those that are decided with it', async () => {
  const store = createGrantStore({ db, ase });
  const [before, broken, after] = await approved('g1', 'g2', 'g3');
  await store.insert({ grant: newGrant('g0'), token: newToken('of g0') });
  const ends = await Promise.allSettled([
    store.update(before!, transitionGrant(before!, 'issue'), newToken('of g1')),
    store.update(broken!, transitionGrant(broken!, 'issue'), { ...newToken('of g2'), id: newToken('of g0').id }),
    store.update(after!, transitionGrant(after!, 'issue'), newToken('of g3')),
  ]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual([await grantOf('of g1'), await grantOf('of g2'), await grantOf('of g3')], ['g1', undefined, 'g3']);
  assert.equal((await read('g2')).state, 'approved');
});

test('changes whose commit may have been lost with the connection fail as they are, and not as those of another request', async () => {
  const lost = new Error('Connection terminated unexpectedly');
  const transaction: typeof db.transaction = async (work) => {
    await db.transaction(work);
    throw lost;
  };
  const store = createGrantStore({ db: { ...db, transaction }, ase });
  const ids = ['lost-1', 'lost-2'];
  await Promise.all(ids.map((id) => store.insert({ grant: newGrant(id) })));
  const grants = await Promise.all(ids.map(read));
  const revoke = (grant: Grant) =>
    onCurrentGrant(
      () => read(grant.id),
      (current) => store.update(current, transitionGrant(current, 'revoke')),
      grant,
    );
  const ends = await Promise.allSettled(grants.map(revoke));
  assert.deepEqual(
    ends.map((end) => end.status === 'rejected' && end.reason),
    [lost, lost],
  );
});
