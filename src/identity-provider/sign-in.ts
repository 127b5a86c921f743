/**
 * Sign-in with account and passphrase (AS-N05). Sessions and failed attempts are rows, so that every process knows them
 * and a session can be ended. Accounts that do not exist cost as much and get the same answers as those that do.
 */
import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import { matchesPassphrase } from '../crypto/passphrase-digest.ts';
import { digestSecret } from '../crypto/secret-digest.ts';
import { isStorableText, toInstant } from '../database/columns.ts';
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { Ids } from '../ids.ts';
import { readCookie, writeCookie } from './cookies.ts';
import { createSlots } from './slots.ts';

export interface Session {
  /** Digest of the cookie. */
  readonly id: string;
  /** The account that is signed in. */
  readonly account: string;
}

export interface SignIn {
  /**
   * The account's name if the passphrase is right. `locked` after too many failures from the address, whatever the
   * passphrase; `busy` while too many passphrases are being checked.
   */
  authenticate(account: string, passphrase: string, address?: string): Promise<{ account: string } | Refusal>;
  /** Value of Set-Cookie. */
  openSession(exchange: ReceivedRequest, account: string): Promise<string>;
  closeSession(exchange: ReceivedRequest): Promise<string>;
  findSession(exchange: ReceivedRequest): Promise<Session | undefined>;
}

export type Refusal = 'wrong' | 'locked' | 'busy';

export interface SignInDeps {
  readonly ase: string;
  readonly db: { readonly query: Queryable };
  readonly clock: Pick<Clock, 'businessNow'>;
  readonly ids: Pick<Ids, 'token'>;
}

const NAME = 'idp_session';
const SESSION_SECONDS = 900;
export const LOCK_SECONDS = 900;
/**
 * Failed attempts within `LOCK_SECONDS` of the first: of one address at one account, so that a stranger elsewhere cannot
 * lock out the holder, and of one address at all accounts.
 */
const MAX_ATTEMPTS = 5;
const MAX_ATTEMPTS_OF_ADDRESS = 50;

/** Passphrases that are checked at a time, in half of the threads that key fetches need as well. */
const slots = createSlots({ running: 2, waiting: 32, perKey: 8 });

const removeExpired = ({ ase, db, clock }: SignInDeps, table: 'sign_in_attempt' | 'sign_in_session') =>
  db.query.deleteFrom(table).where('ase', '=', ase).where('expires_at', '<=', toInstant(clock.businessNow())).execute();

/** Counters of attempts, in the database. */
function createAttempts({ ase, db, clock }: SignInDeps) {
  /** Counts before the passphrase is checked, so that concurrent guesses are all counted. */
  async function count(key: string): Promise<number> {
    const { count } = await db.query
      .insertInto('sign_in_attempt')
      .values({ ase, key, count: 1, expires_at: toInstant(clock.businessNow() + LOCK_SECONDS * 1000) })
      .onConflict((conflict) =>
        conflict.columns(['ase', 'key']).doUpdateSet({ count: sql`${sql.ref('sign_in_attempt.count')} + 1` }),
      )
      .returning('count')
      .executeTakeFirstOrThrow();
    return count;
  }

  const uncount = (keys: readonly string[]) =>
    db.query
      .updateTable('sign_in_attempt')
      .set({ count: sql`${sql.ref('count')} - 1` })
      .where('ase', '=', ase)
      .where('key', 'in', keys)
      .execute();

  const forget = (key: string) =>
    db.query.deleteFrom('sign_in_attempt').where('ase', '=', ase).where('key', '=', key).execute();

  return { count, uncount, forget };
}

function createSessions(deps: SignInDeps): Pick<SignIn, 'openSession' | 'closeSession' | 'findSession'> {
  const { ase, db, clock, ids } = deps;
  return {
    async openSession(exchange, account) {
      await removeExpired(deps, 'sign_in_session');
      const token = ids.token();
      const expiresAt = toInstant(clock.businessNow() + SESSION_SECONDS * 1000);
      await db.query
        .insertInto('sign_in_session')
        .values({ ase, digest: digestSecret(token), account, expires_at: expiresAt })
        .execute();
      return writeCookie(exchange, NAME, token, SESSION_SECONDS);
    },

    async closeSession(exchange) {
      const token = readCookie(exchange, NAME);
      if (token) {
        const digest = digestSecret(token);
        await db.query.deleteFrom('sign_in_session').where('ase', '=', ase).where('digest', '=', digest).execute();
      }
      return writeCookie(exchange, NAME, '', 0);
    },

    async findSession(exchange) {
      const token = readCookie(exchange, NAME);
      if (!token) return undefined;
      const id = digestSecret(token);
      const row = await db.query
        .selectFrom('sign_in_session')
        .select('account')
        .where('ase', '=', ase)
        .where('digest', '=', id)
        .where('expires_at', '>', toInstant(clock.businessNow()))
        .executeTakeFirst();
      return row && { id, account: row.account };
    },
  };
}

export function createSignIn(deps: SignInDeps): SignIn {
  const { ase, db } = deps;
  const { count, uncount, forget } = createAttempts(deps);

  async function findAccount(name: string) {
    // Accounts of a world are named by the path of a wallet address; `alice` is short for `/alice`.
    const rows = await db.query
      .selectFrom('account')
      .select(['id', 'passphrase_digest'])
      .where('ase', '=', ase)
      .where('kind', '=', 'customer')
      .where('id', 'in', [customerAccountId(name), customerAccountId(`/${name}`)])
      .execute();
    return rows.find(({ id }) => id === customerAccountId(name)) ?? rows[0];
  }

  return {
    ...createSessions(deps),
    async authenticate(typed, passphrase, address = '') {
      const name = typed.trim();
      const byAddress = digestSecret(JSON.stringify([address]));
      const byAccount = digestSecret(JSON.stringify([address, name.replace(/^\//, '')]));
      await removeExpired(deps, 'sign_in_attempt');
      if ((await count(byAddress)) > MAX_ATTEMPTS_OF_ADDRESS || (await count(byAccount)) > MAX_ATTEMPTS)
        return 'locked';
      const check = async (): Promise<{ account: string } | Refusal> => {
        const row = isStorableText(name) ? await findAccount(name) : undefined;
        if (!(await matchesPassphrase(passphrase, row?.passphrase_digest)) || !row) return 'wrong';
        return { account: row.id.slice(customerAccountId('').length) };
      };
      const outcome = await slots.run(address, check);
      if (outcome === undefined) {
        await uncount([byAddress, byAccount]);
        return 'busy';
      }
      if (outcome !== 'wrong') {
        await uncount([byAddress]);
        await forget(byAccount);
      }
      return outcome;
    },
  };
}
