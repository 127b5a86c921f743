/** Sign-in with account and passphrase (AS-N05). Sessions are signed cookies, so the server stores none. */
import { createHmac } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { matchesPassphrase } from '../crypto/passphrase-digest.ts';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { isStorableText } from '../database/columns.ts';
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import { readCookie, writeCookie } from './cookies.ts';

export interface SignIn {
  /** The account's name if the passphrase is right. `locked` after too many failures, whatever the passphrase. */
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
  /** Key that signs sessions. */
  readonly secret: string;
}

const NAME = 'idp_session';
const SESSION_SECONDS = 900;
/** Failed attempts before an account is locked; the lock lasts `LOCK_SECONDS` from the first failure. */
const MAX_ATTEMPTS = 5;
export const LOCK_SECONDS = 900;

export function createSignIn({ ase, db, clock, secret }: SignInDeps): SignIn {
  /** Failed attempts by account id, of existing accounts only. */
  const attempts = new Map<string, { count: number; readonly since: number }>();
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');

  /** Counts before the passphrase is checked, so that concurrent guesses are all counted. */
  function mayTry(account: string): boolean {
    const now = clock.businessNow();
    const known = attempts.get(account);
    const current = known && now < known.since + LOCK_SECONDS * 1000 ? known : { count: 0, since: now };
    current.count += 1;
    attempts.set(account, current);
    return current.count <= MAX_ATTEMPTS;
  }

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
    async authenticate(name, passphrase) {
      const row = isStorableText(name) ? await findAccount(name.trim()) : undefined;
      if (row && !mayTry(row.id)) return 'locked';
      if (!(await matchesPassphrase(passphrase, row?.passphrase_digest)) || !row) return 'wrong';
      attempts.delete(row.id);
      return row.id.slice(customerAccountId('').length);
    },
    openSession(exchange, account) {
      const expiresAt = clock.businessNow() + SESSION_SECONDS * 1000;
      const content = `${Buffer.from(account).toString('base64url')}.${expiresAt}`;
      const options = { seconds: SESSION_SECONDS, sameSite: 'Lax' } as const;
      return writeCookie(exchange, NAME, `${content}.${sign(content)}`, options);
    },
    closeSession: (exchange) => writeCookie(exchange, NAME, '', { seconds: 0, sameSite: 'Lax' }),
    readSession(exchange) {
      const [account = '', expiresAt = '', signature] = (readCookie(exchange, NAME) ?? '').split('.');
      if (!equalSecrets(signature, sign(`${account}.${expiresAt}`))) return undefined;
      return clock.businessNow() < Number(expiresAt) ? Buffer.from(account, 'base64url').toString('utf8') : undefined;
    },
  };
}
