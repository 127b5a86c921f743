/**
 * Cost against database size: fills a database in steps, and measures after each the pages that every statement of the
 * program reads or writes, as `pg_stat_statements` counts them. `node bench/scale.ts [--sizes 1000,1000000] [--write]`.
 * It ends with status 1 if a statement needs more than three pages more at the last size than at the first, was sent
 * too seldom at the first to tell, or reads a table from end to end.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { formatCursor } from '../src/resource/pagination.ts';
import { cpuBetween, cpuOfPostgresql } from './support/cpu.ts';
import { createDriver, type Driver, runClosedLoop } from './support/driver.ts';
import { fill } from './support/fill.ts';
import { listStatements, resetStatements } from './support/measure.ts';
import { type Operation, operations, paymentsFrom, simple } from './support/operations.ts';
import {
  incomingAccess,
  meetParty,
  obtainConsent,
  obtainToken,
  type Party,
  requestConsent,
  sign,
} from './support/party.ts';
import { startPostgresql } from './support/processes.ts';
import { writeResults } from './support/results.ts';
import { type StartedProgram, startProgram } from './support/sides.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000,1000000' },
    write: { type: 'boolean', default: false },
  },
});
const sizes = values.sizes.split(',').map(Number);

const MAX_GROWTH = 3;
const REQUESTS = 400;
const CONNECTIONS = 4;
/** Fewer calls are those of something else, such as the poll for due payments. */
const MIN_CALLS = 10;

/** Pages of the list of the receiver's payments, at this share of its length. */
const listPage = (share: number): Operation =>
  simple(`list of 10 from ${share * 100} % on`, 0, async (send, party) => {
    const token = await obtainToken(send, party, party.receiver.authServer, incomingAccess);
    const { rows } = await side.database.connection.query(
      `select p.id, p.created_at::text, p.wallet_address_id from incoming_payment p
       join wallet_address w on w.ase = p.ase and w.id = p.wallet_address_id
       where w.ase = 'granite' and w.url = $1 and p.client_id = $2 order by p.created_at desc, p.id desc limit 1 offset $3`,
      [party.receiver.id, party.target.client, Math.floor((size / 2 - 20) * share)],
    );
    const [{ id, created_at: createdAt, wallet_address_id: walletAddressId }] = rows;
    const scope = { collection: 'incoming-payments', walletAddressId, ownClientId: party.target.client } as const;
    const cursor = formatCursor({ id, createdAt: new Date(createdAt).toISOString() }, scope);
    const query = new URLSearchParams({ 'wallet-address': party.receiver.id, first: '10', cursor });
    return () => sign(party, { url: `${party.receiver.resourceServer}/incoming-payments?${query}`, token });
  });

await using postgresql = await startPostgresql(['fsync=off', 'shared_buffers=1GB', 'max_wal_size=8GB']);
await using side: StartedProgram = await startProgram(postgresql, 'program');
const driver = createDriver(CONNECTIONS);
const local = await meetParty(driver.send, side.target);
const remote = await meetParty(driver.send, side.remoteTarget);
const db: pg.Client = side.database.connection;
let size = 0;

// A limit on the debt of a peer, which every packet must keep.
await db.query('update peer set balance_limit = 1000000000000');
await db.query('update ase set settings_version = settings_version + 1');

/** A grant with a limit for every minute. */
const intervalToken = await obtainConsent(
  driver.send,
  local,
  requestConsent(local, '1000000', 'R/2020-01-01T00:00:00Z/PT1M'),
);
const {
  rows: [intervalGrant],
} = await db.query(`select id from gnap_grant where finish_uri is not null`);

const measured: readonly (readonly [Operation, Party])[] = [
  ...operations.map((operation) => [operation, local] as const),
  ...[0.01, 0.5, 0.99].map((share) => [listPage(share), local] as const),
  [paymentsFrom('outgoing payment of a used interval', async () => intervalToken), local],
  [paymentsFrom('outgoing payment to another ASE, with a limit'), remote],
];

interface Cost {
  readonly operation: string;
  readonly query: string;
  /** Calls for each request. */
  readonly calls: number;
  readonly pages: number;
}

/** Pages of each statement that every request sends, and CPU milliseconds of the database by operation. */
async function measureCosts(driver: Driver) {
  const costs: Cost[] = [];
  const cpu: Record<string, number> = {};
  for (const [operation, party] of measured) {
    const slice = await (await operation.prepare(driver.send, party))(REQUESTS);
    await resetStatements(side);
    const before = cpuOfPostgresql(side.database.postmaster, side.database.name);
    await runClosedLoop(driver, CONNECTIONS, slice.jobs);
    await slice.settled?.();
    const after = cpuOfPostgresql(side.database.postmaster, side.database.name);
    cpu[operation.name] = cpuBetween(before, after) / REQUESTS;
    for (const { query, calls, pages } of await listStatements(side)) {
      if (calls >= MIN_CALLS && pages > 0)
        costs.push({ operation: operation.name, query, pages, calls: calls / REQUESTS });
    }
  }
  return { costs, cpu };
}

/** Rows of large tables that were read by scans of the whole table. */
async function scannedRows(): Promise<Map<string, number>> {
  const { rows } = await db.query('select relname, seq_tup_read::float8 as read from pg_stat_user_tables');
  return new Map(rows.map(({ relname, read }) => [relname, read]));
}

/** Tables that grow with payments. Those of settings may be read from end to end. */
const growing = /^(account|wallet_address|gnap_grant|access_token|grant_spending|quote)$|_(payment|packet)$|^ledger_/;

/** Backends report what they read at the latest when they have been idle for this long. */
const REPORT_MS = 11_000;

const results: { payments: number; costs: Cost[]; cpu: Record<string, number>; scanned: string[] }[] = [];
for (const next of sizes) {
  const started = performance.now();
  await fill(db, size, next, {
    origin: local.payer.resourceServer,
    client: local.target.client,
    intervalGrant: intervalGrant.id,
    identifier: local.payer.id,
  });
  size = next;
  await db.query(`update access_token set expires_at = now() + interval '1 day' where grant_id = $1`, [
    intervalGrant.id,
  ]);
  console.log(`${size} payments, filled in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  await db.query('select pg_stat_force_next_flush()');
  await wait(REPORT_MS);
  const before = await scannedRows();
  const { costs, cpu } = await measureCosts(driver);
  await wait(REPORT_MS);
  const scanned = [...(await scannedRows())]
    .map(([table, read]) => [table, read - (before.get(table) ?? 0)] as const)
    .filter(([table, rows]) => growing.test(table) && rows >= size / 10)
    .map(([table, rows]) => `${table}: ${rows} rows read by scans of the whole table at ${size} payments`);
  results.push({ payments: size, costs, cpu, scanned });
}
driver.close();

const [first, last] = [results[0]!, results.at(-1)!];
/** Payments that are due at the same time share statements. This is what such a statement costs each of them. */
const share = ({ pages, calls }: Cost): number => pages * Math.min(calls, 1);
/** Undefined if the statement was not sent often enough. */
function shareAt({ costs }: typeof first, { operation, query }: Cost): number | undefined {
  const cost = costs.find((cost) => cost.operation === operation && cost.query === query);
  return cost && share(cost);
}
const row = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);

console.log('\nPages of each request, and CPU ms of the database, by the number of payments');
row(['operation', ...sizes.map((payments) => `${payments} pages`), ...sizes.map((payments) => `${payments} CPU`)]);
const pagesOfRequest = ({ costs }: typeof first, name: string): number =>
  Math.round(
    costs.filter(({ operation }) => operation === name).reduce((sum, { pages, calls }) => sum + pages * calls, 0),
  );
for (const [{ name }] of measured) {
  const pages = results.map((result) => pagesOfRequest(result, name));
  row([name, ...pages, ...results.map(({ cpu }) => cpu[name]!.toFixed(2))]);
}
if (values.write) {
  const size = results.map((result) => ({
    payments: result.payments,
    pages: Object.fromEntries(measured.map(([{ name }]) => [name, pagesOfRequest(result, name)])),
  }));
  writeResults({ size });
}

console.log(
  `\nStatements that need more than ${MAX_GROWTH} pages more at ${sizes.at(-1)} payments than at ${sizes[0]}`,
);
const grown = last.costs.filter((cost) => share(cost) - (shareAt(first, cost) ?? share(cost)) > MAX_GROWTH);
const printCost = (cost: Cost): void => {
  const pages = results.map((result) => shareAt(result, cost)?.toFixed(1) ?? '–').join(' → ');
  console.log(`${cost.operation}: ${pages}: ${cost.query.slice(0, 400)}`);
};
grown.forEach(printCost);
const unknown = last.costs.filter((cost) => shareAt(first, cost) === undefined && share(cost) > MAX_GROWTH);
if (unknown.length > 0) console.log(`\nStatements of which there were too few at ${sizes[0]} payments to compare them`);
unknown.forEach(printCost);
const scanned = results.flatMap((result) => result.scanned);
for (const complaint of scanned) console.log(complaint);
if (grown.length + unknown.length + last.scanned.length > 0) process.exitCode = 1;
