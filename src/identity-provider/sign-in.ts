/** Signing in: who sits at the browser, by account and passphrase (AS-N05). Sessions need no memory: they are signed. */
import { createHmac } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { matchesPassphrase } from '../crypto/passphrase-digest.ts';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import { readCookie, writeCookie } from './cookies.ts';

export interface SignIn {
  /** The account's id if this is its passphrase. After too many wrong ones, nothing is right for a while. */
  authenticate(account: string, passphrase: string): Promise<string | 'wrong' | 'locked'>;
  /** Value of Set-Cookie. */
  openSession(exchange: ReceivedRequest, account: string): string;
  closeSession(exchange: ReceivedRequest): string;
  /** The account that is signed in. */
  readSession(exchange: ReceivedRequest): string | undefined;
}

export interface SignInDeps {
  readonly ase: string;
  readonly db: { readonly query: Queryable };
  readonly clock: Pick<Clock, 'businessNow'>;
  /** Sessions are signed with it. */
  readonly secret: string;
}

const NAME = 'idp_session';
const SESSION_SECONDS = 900;
/** Wrong passphrases of one account before it is closed for as long as this, from the first of them on. */
const MOST_ATTEMPTS = 5;
export const LOCK_SECONDS = 900;

export function createSignIn({ ase, db, clock, secret }: SignInDeps): SignIn {
  /** By account id; only of accounts that there are. */
  const attempts = new Map<string, { count: number; readonly since: number }>();
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');

  /** Counts before anything is compared: guesses at the same time do not slip through. */
  function mayTry(account: string): boolean {
    const now = clock.businessNow();
    const known = attempts.get(account);
    const current = known && now < known.since + LOCK_SECONDS * 1000 ? known : { count: 0, since: now };
    current.count += 1;
    attempts.set(account, current);
    return current.count <= MOST_ATTEMPTS;
  }

  async function findAccount(given: string) {
    // Accounts of a world bear the paths of wallet addresses: `alice` is short for `/alice`.
    const rows = await db.query
      .selectFrom('account')
      .select(['id', 'passphrase_digest'])
      .where('ase', '=', ase)
      .where('kind', '=', 'customer')
      .where('id', 'in', [customerAccountId(given), customerAccountId(`/${given}`)])
      .execute();
    return rows.find(({ id }) => id === customerAccountId(given)) ?? rows[0];
  }

  return {
    async authenticate(given, passphrase) {
      const row = given.includes('\0') ? undefined : await findAccount(given.trim());
      if (row && !mayTry(row.id)) return 'locked';
      if (!(await matchesPassphrase(passphrase, row?.passphrase_digest)) || !row) return 'wrong';
      attempts.delete(row.id);
      return row.id.slice(customerAccountId('').length);
    },
    openSession(exchange, account) {
      const expiresAt = clock.businessNow() + SESSION_SECONDS * 1000;
      const content = `${Buffer.from(account).toString('base64url')}.${expiresAt}`;
      const terms = { seconds: SESSION_SECONDS, sameSite: 'Lax' } as const;
      return writeCookie(exchange, NAME, `${content}.${sign(content)}`, terms);
    },
    closeSession: (exchange) => writeCookie(exchange, NAME, '', { seconds: 0, sameSite: 'Lax' }),
    readSession(exchange) {
      const [account = '', expiresAt = '', signature] = (readCookie(exchange, NAME) ?? '').split('.');
      if (!equalSecrets(signature, sign(`${account}.${expiresAt}`))) return undefined;
      return clock.businessNow() < Number(expiresAt) ? Buffer.from(account, 'base64url').toString('utf8') : undefined;
    },
  };
}
