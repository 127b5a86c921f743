/** Peers of an ASE: the endpoints of their connectors, and credit limits (ILP-0027, ILP-0035). */
import { digestSecret } from '../crypto/secret-digest.ts';
import { toAmount, toJson, toLookupText } from '../database/columns.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { MAX_AMOUNT } from '../open-payments/amount.ts';
import { adminProblem } from './problem.ts';
import { countSettingsChange } from './settings.ts';

/** A peer without its tokens. */
export interface PeerDescription {
  readonly name: string;
  readonly prefix: string;
  readonly endpoint: string;
  readonly maxPacketAmount: bigint;
  readonly balanceLimit: bigint | undefined;
  readonly answersRepeats: boolean;
  readonly routes: readonly string[];
}

export interface NewPeer {
  readonly name: string;
  /** ILP address prefix of the peer. */
  readonly prefix: string;
  /** Origin of the peer's connector. */
  readonly endpoint: string;
  /** Authenticates the peer; only its digest is stored. */
  readonly incomingToken: string;
  /** Authenticates this ASE to the peer. */
  readonly outgoingToken: string;
  readonly maxPacketAmount: bigint;
  /** Maximum debt of the peer in each asset, in minor units; null or absent for no limit. */
  readonly balanceLimit?: bigint | null;
  /** False if it may deliver a repeated packet again. Default: true. */
  readonly answersRepeats?: boolean;
  /** Further prefixes that the peer forwards packets to. */
  readonly routes?: readonly string[];
}

export type PeerChange = Partial<Omit<NewPeer, 'name'>>;

/** Rules of the ASE that has the peers. */
export interface PeerRules {
  /** ILP address of the ASE. */
  readonly prefix: string;
  /** True if endpoints may be plain http. */
  readonly allowHttp: boolean;
}

const selectPeers = (db: Queryable, ase: string) => db.selectFrom('peer').selectAll().where('ase', '=', ase);

type PeerRow = Awaited<ReturnType<ReturnType<typeof selectPeers>['executeTakeFirstOrThrow']>>;

const toDescription = (row: PeerRow): PeerDescription => ({
  name: row.name,
  prefix: row.prefix,
  endpoint: row.endpoint,
  maxPacketAmount: toAmount(row.max_packet_amount),
  balanceLimit: row.balance_limit === null ? undefined : toAmount(row.balance_limit),
  answersRepeats: row.answers_repeats,
  routes: row.routes,
});

const toNewPeer = (row: PeerRow): NewPeer => ({
  ...toDescription(row),
  incomingToken: '',
  outgoingToken: row.outgoing_token,
});

function checkAmount(amount: bigint, least: bigint, name: string): bigint {
  if (amount < least || amount > MAX_AMOUNT)
    throw adminProblem('invalid_request', `${name} is not from ${least} to 2^64−1`);
  return amount;
}

/** ILP-0015: an allocation scheme and segments. */
function checkPrefix(prefix: string, rules: PeerRules): string {
  const isAddress = /^(g|private|example|peer|self|test[1-3]?|local)(\.[A-Za-z0-9_~-]+)*$/.test(prefix);
  if (!isAddress || prefix.length > 400) throw adminProblem('invalid_request', 'prefix is not an ILP address');
  if (`${prefix}.`.startsWith(`${rules.prefix}.`)) throw adminProblem('invalid_request', 'prefix belongs to this ASE');
  return prefix;
}

function checkEndpoint(endpoint: string, { allowHttp }: PeerRules): string {
  const url = URL.parse(endpoint);
  const isWeb = url?.protocol === 'https:' || (allowHttp && url?.protocol === 'http:');
  if (!url || !isWeb || url.href !== `${url.origin}/`) {
    throw adminProblem(
      'invalid_request',
      `endpoint is not the origin of an ${allowHttp ? 'http or https' : 'https'} URL`,
    );
  }
  return url.origin;
}

const toColumns = (peer: Omit<NewPeer, 'name'>, rules: PeerRules) => ({
  prefix: checkPrefix(peer.prefix, rules),
  endpoint: checkEndpoint(peer.endpoint, rules),
  incoming_token_digest: digestSecret(peer.incomingToken),
  outgoing_token: peer.outgoingToken,
  max_packet_amount: `${checkAmount(peer.maxPacketAmount, 1n, 'maxPacketAmount')}`,
  answers_repeats: peer.answersRepeats ?? true,
  routes: toJson([...new Set(peer.routes)].map((route) => checkPrefix(route, rules))),
});

const toLimit = (limit: bigint | null | undefined): string | null =>
  limit === null || limit === undefined ? null : `${checkAmount(limit, 0n, 'balanceLimit')}`;

export async function listPeers(db: Queryable, ase: string): Promise<PeerDescription[]> {
  return (await selectPeers(db, ase).orderBy('name').execute()).map(toDescription);
}

/** Throws `conflict` if another peer has one of the prefixes of this one, which is stored already. */
async function checkRoutes(tx: Transaction, { ase, name, prefix, routes }: PeerRow): Promise<void> {
  const others = await selectPeers(tx, ase).where('name', '!=', name).execute();
  const taken = new Set(others.flatMap((other) => [other.prefix, ...other.routes]));
  if ([prefix, ...routes].some((route) => taken.has(route))) {
    throw adminProblem('conflict', 'another peer has this prefix or one of the routes');
  }
}

/** Throws `invalid_request`, and `conflict` if another peer has the name, a prefix or the incoming token. */
export async function createPeer(
  tx: Transaction,
  ase: string,
  rules: PeerRules,
  peer: NewPeer,
): Promise<PeerDescription> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(peer.name))
    throw adminProblem('invalid_request', 'name may have lower case letters, digits and hyphens only');
  await countSettingsChange(tx, ase);
  const row = await tx
    .insertInto('peer')
    .values({ ase, name: peer.name, ...toColumns(peer, rules), balance_limit: toLimit(peer.balanceLimit) })
    .onConflict((on) => on.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw adminProblem('conflict', 'another peer has this name, prefix or incoming token');
  await checkRoutes(tx, row);
  return toDescription(row);
}

/** Changes the members that are present. Throws the problems of `createPeer`, and `not_found`. */
export async function changePeer(
  tx: Transaction,
  ase: string,
  rules: PeerRules,
  name: string,
  change: PeerChange,
): Promise<PeerDescription> {
  await countSettingsChange(tx, ase);
  const current = await selectPeers(tx, ase).where('name', '=', toLookupText(name)).executeTakeFirst();
  if (!current) throw adminProblem('not_found', 'unknown peer');
  const columns = {
    ...toColumns({ ...toNewPeer(current), ...change }, rules),
    ...(change.balanceLimit !== undefined && { balance_limit: toLimit(change.balanceLimit) }),
    // Only the digest of the current token is known.
    ...(change.incomingToken === undefined && { incoming_token_digest: current.incoming_token_digest }),
  };
  const taken = await tx
    .selectFrom('peer')
    .select('name')
    .where('ase', '=', ase)
    .where('name', '!=', name)
    .where((where) =>
      where.or([
        where('prefix', '=', columns.prefix),
        where('incoming_token_digest', '=', columns.incoming_token_digest),
      ]),
    )
    .executeTakeFirst();
  if (taken) throw adminProblem('conflict', 'another peer has this prefix or incoming token');
  const row = await tx
    .updateTable('peer')
    .set(columns)
    .where('ase', '=', ase)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirstOrThrow();
  await checkRoutes(tx, row);
  return toDescription(row);
}

/** Throws `not_found`, and `conflict` while the outcome of a packet to the peer is unknown. */
export async function removePeer(tx: Transaction, ase: string, name: string): Promise<void> {
  await countSettingsChange(tx, ase);
  const inDoubt = await tx
    .selectFrom('outgoing_packet')
    .select('payment_id')
    .where('ase', '=', ase)
    .where('peer', '=', toLookupText(name))
    .where('state', '=', 'prepared')
    .executeTakeFirst();
  if (inDoubt) throw adminProblem('conflict', 'a packet to this peer is in flight');
  const { numDeletedRows } = await tx
    .deleteFrom('peer')
    .where('ase', '=', ase)
    .where('name', '=', toLookupText(name))
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw adminProblem('not_found', 'unknown peer');
}
