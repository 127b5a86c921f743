/**
 * The cost of a page, in blocks that PostgreSQL reads (RS-L-01…17). One bound holds for the first, a middle and the
 * last page, whether the wallet address has 1,000 or 50,000 payments. Without the indexes it is exceeded.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CompiledQuery, sql } from 'kysely';
import { type Database, openDatabase, type Queryable } from '../../src/database/database.ts';
import { formatCursor, type Position } from '../../src/resource/pagination.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import {
  insertPayments,
  type Kind,
  kinds,
  type ListedWallet,
  type ListRequest,
  listPage,
  openListedWallet,
  scopeOf,
} from './support/many-payments.ts';

const FEW = 1_000;
const MANY = 50_000;
/** Payments of a client that stopped paying long ago, so they are the oldest. */
const OLD = 60;
const start = Date.parse('2030-01-01T00:00:00Z');
const stepMs = 1000;
const filters = { own: 'https://client.example/old', all: undefined } as const;
type Filter = keyof typeof filters;

/** Bound for 20 payments, each with its quote and wallet address in rows and three-level indexes. */
const MAX_BLOCKS = 20 * 10;

/** Thrown to roll a transaction back. */
class Rollback extends Error {}

describe('a page', { skip: needsPostgres, timeout: 120_000 }, () => {
  let drop: () => Promise<void>;
  let db: Database;
  let wallet: ListedWallet;
  const costs = new Map<string, { few: number; many: number }>();

  before(async () => {
    const database = await createTestDatabase();
    drop = database.drop;
    db = await openDatabase({ kind: 'postgresql', url: database.url });
    wallet = await openListedWallet(db, 'granite');
    const busy = { clientId: 'https://client.example/busy', stepMs };
    for (const kind of kinds) {
      await insertPayments(db.query, kind, wallet, { count: OLD, clientId: filters.own, from: start, stepMs });
      await insertPayments(db.query, kind, wallet, { ...busy, count: FEW - OLD, from: start + OLD * stepMs });
    }
    await vacuum();
    for (const one of pages) costs.set(nameOf(one), { few: await costOf(db.query, await requestFor(one)), many: 0 });
    for (const kind of kinds) {
      await db.transaction(async (tx) => {
        // Without the checks of foreign keys, which would take most of the time.
        await sql`set local session_replication_role = replica`.execute(tx);
        await insertPayments(tx, kind, wallet, { ...busy, count: MANY - FEW, from: start + FEW * stepMs });
      });
    }
    await vacuum();
    for (const one of pages) costs.get(nameOf(one))!.many = await costOf(db.query, await requestFor(one));
  });
  after(async () => {
    await db.close();
    await drop();
  });

  /** Brings the tables into the state in which autovacuum leaves them. */
  async function vacuum(): Promise<void> {
    for (const table of ['incoming_payment', 'quote', 'outgoing_payment', 'wallet_address'])
      await sql`vacuum analyze ${sql.table(table)}`.execute(db.query);
  }

  interface RequestedPage {
    readonly kind: Kind;
    readonly filter: Filter;
    readonly position: 'first' | 'middle' | 'last';
    readonly direction: 'forward' | 'backward';
  }
  const pages: RequestedPage[] = kinds.flatMap((kind) =>
    (['own', 'all'] as const).flatMap((filter) =>
      (['first', 'middle', 'last'] as const).flatMap((position) =>
        (['forward', 'backward'] as const).map((direction) => ({ kind, filter, position, direction })),
      ),
    ),
  );
  const nameOf = ({ kind, filter, position, direction }: RequestedPage): string =>
    `${kind} payments, ${filter}, ${position} page, ${direction}`;

  async function requestFor({ kind, filter, position, direction }: RequestedPage): Promise<ListRequest> {
    const ownClientId = filters[filter];
    const table = `${kind}_payment` as const;
    const selected = db.query
      .selectFrom(table)
      .select(['id', 'created_at'])
      .where('wallet_address_id', '=', wallet.id)
      .$if(ownClientId !== undefined, (select) => select.where('client_id', '=', ownClientId!));
    const { count } = await selected
      .clearSelect()
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    // 20 rows from the newest or the oldest, so that the pages next to the cursor are full.
    const offset = { first: 20, middle: Math.floor(Number(count) / 2), last: Number(count) - 21 }[position];
    const row = await selected.orderBy('created_at', 'desc').orderBy('id', 'desc').offset(offset).limit(1).execute();
    const { id, created_at } = row[0]!;
    const place: Position = { id, createdAt: created_at };
    const cursor = formatCursor(place, scopeOf({ kind, wallet, ownClientId }));
    const isFirst = position === 'first' && direction === 'forward';
    const query = { [direction === 'forward' ? 'first' : 'last']: '20', ...(!isFirst && { cursor }) };
    return { kind, wallet, ownClientId, query };
  }

  /** Blocks that the statements of the request read, from the cache or the disk. */
  async function costOf(queryable: Queryable, request: ListRequest): Promise<number> {
    const statements: CompiledQuery[] = [];
    const watched = queryable.withPlugin({
      transformQuery({ node, queryId }) {
        statements.push(queryable.getExecutor().compileQuery(node, queryId));
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const { ids } = await listPage(watched, request);
    assert.equal(ids.length, 20, 'the page is full');
    assert.ok(statements.length >= 2, 'the statements were recorded');
    let blocks = 0;
    for (const statement of statements) {
      const explain = { ...statement, sql: `explain (analyze, buffers, format json) ${statement.sql}` };
      const { rows } = await queryable.executeQuery(explain as CompiledQuery<ExplainRow>);
      const plan = rows[0]!['QUERY PLAN'][0]!.Plan;
      blocks += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    }
    return blocks;
  }

  for (const page of pages) {
    test(`${nameOf(page)}: has the same bound for ${MANY} payments as for ${FEW}`, () => {
      const { few, many } = costs.get(nameOf(page))!;
      assert.ok(Math.max(few, many) <= MAX_BLOCKS, `${few} blocks for ${FEW} payments, ${many} for ${MANY}`);
    });
  }

  const indexes: readonly { readonly filter: Filter; readonly columns: string }[] = [
    { filter: 'all', columns: '(ase, wallet_address_id, created_at, id)' },
    { filter: 'own', columns: '(ase, wallet_address_id, client_id, created_at, id)' },
  ];
  for (const kind of kinds) {
    for (const { filter, columns } of indexes) {
      test(`${kind} payments, ${filter}: without the index on ${columns} a page reads much of the table`, async () => {
        const table = `${kind}_payment`;
        const select = sql<{ name: string }>`select indexname as name from pg_indexes
          where tablename = ${table} and indexdef like ${`%USING btree ${columns}`}`;
        const { rows } = await select.execute(db.query);
        assert.equal(rows.length, 1, 'the index exists');
        const page = { kind, filter, position: 'first', direction: 'forward' } as const;
        const request = await requestFor(page);
        const work = db.transaction(async (tx) => {
          await sql`drop index ${sql.id(rows[0]!.name)}`.execute(tx);
          const blocks = await costOf(tx, request);
          assert.ok(blocks > MAX_BLOCKS * 2, `only ${blocks} blocks`);
          throw new Rollback();
        });
        await assert.rejects(work, Rollback);
      });
    }
  }
});

interface ExplainRow {
  readonly 'QUERY PLAN': readonly { readonly Plan: Record<'Shared Hit Blocks' | 'Shared Read Blocks', number> }[];
}
