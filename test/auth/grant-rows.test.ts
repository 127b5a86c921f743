/** New grants in the database: those that are requested at once share a statement, and each has its own end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { findCaller } from '../../src/auth/caller.ts';
import type { NewGrant } from '../../src/auth/grant.ts';
import {
  createGrantInserter,
  findGrantOfContinuation,
  findGrantOfInteraction,
  type NewToken,
} from '../../src/auth/grant-rows.ts';
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

test('grants that are requested at once are stored by one statement, each with what belongs to it', async () => {
  const insert = createGrantInserter({ db, ase });
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
    insert({ grant: issued, token: newToken('first') }),
    insert({ grant: pending }),
    insert({ grant: ofKey, token: newToken('second') }),
  ]);

  const stored = async ({ continueId }: NewGrant) => findGrantOfContinuation(db.query, ase, continueId);
  const versions = new Set<string>();
  for (const grant of [issued, ofKey]) {
    const { version, continuedAt, ...others } = (await stored(grant))!;
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

  const grantOf = async (token: string) => (await findCaller(db.query, ase, token, now))?.grantId;
  assert.deepEqual([await grantOf('first'), await grantOf('second')], ['issued', 'of-key']);
  const { rows } = await sql<{ tokens: number }>`select count(*)::int as tokens from access_token`.execute(db.query);
  assert.equal(rows[0]!.tokens, 2);
});

test('a grant that cannot be stored is in no way of those that are requested with it', async () => {
  const insert = createGrantInserter({ db, ase });
  const ends = await Promise.allSettled([
    insert({ grant: newGrant('before'), token: newToken('before') }),
    insert({ grant: newGrant('without-token-of-its-own'), token: { ...newToken('taken'), id: newToken('before').id } }),
    insert({ grant: newGrant('after'), token: newToken('after') }),
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
