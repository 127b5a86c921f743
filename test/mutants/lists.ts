/** Mutants of the lists of payments: pages, cursors and visibility. */
import type { Mutant } from './mutant.ts';
import { withoutSchema } from './pipeline.ts';

const incoming = 'src/resource/incoming-payment.ts';
const outgoing = 'src/resource/outgoing-payment.ts';
const pagination = 'src/resource/pagination.ts';
const caller = 'src/resource/caller.ts';

export const listMutants: readonly Mutant[] = [
  {
    id: 'list.any-size',
    file: pagination,
    at: 'if («!/^[1-9][0-9]?$|^100$/.test(text)») throw',
    by: 'text === "never"',
    also: [withoutSchema, { file: pagination, at: 'return «Number(text)»;', by: 'Number(text) || 20' }],
    fails: ['zero', '101', 'word', 'fraction', 'plus', 'empty'].map((kind) => `list.*refuses-first-${kind}`),
  },
  {
    id: 'list.repeated-parameter',
    file: pagination,
    at: 'const value = «query[name]»;',
    by: '[query[name]].flat()[0]',
    also: [withoutSchema],
    fails: ['list.*refuses-first-twice'],
  },
  {
    id: 'list.last-without-cursor',
    file: pagination,
    at: 'if («last !== undefined && cursor === undefined») throw',
    by: 'false',
    fails: ['list.*refuses-last-without-cursor'],
  },
  {
    id: 'list.first-and-last',
    file: pagination,
    at: 'if («first !== undefined && last !== undefined») throw',
    by: 'false',
    fails: ['list.*refuses-first-and-last'],
  },
  {
    id: 'list.cursor-of-anything',
    file: pagination,
    at: 'cursor: «cursor === undefined ? undefined : parseCursor(cursor, scope)»,',
    by: 'undefined',
    also: [
      withoutSchema,
      { file: pagination, at: 'if («!/^[1-9][0-9]?$|^100$/.test(text)») throw', by: 'text.length > 3' },
    ],
    fails: ['list.*refuses-cursor-*', 'list.*pages'],
  },
  {
    id: 'list.items-of-everybody',
    file: 'src/resource/payment-list.ts',
    at: 'const visible = «clientId === undefined» ?',
    by: 'true',
    fails: ['list.*own-only'],
  },
  {
    id: 'list.all-shows-own-only',
    file: caller,
    at: 'ownClientId: «item.actions.includes(`${action}-all`)» ? undefined',
    by: 'false',
    fails: ['list.all', 'list.outgoing-all'],
  },
  {
    id: 'list.of-all-wallet-addresses',
    file: 'src/resource/payment-list.ts',
    at: 'const listed = «sql<boolean>`payment.wallet_address_id = ${walletAddressId}`»;',
    by: 'sql`true`',
    fails: ['list.*one-wallet-address'],
  },
  {
    id: 'list.oldest-first',
    file: pagination,
    at: "const [ahead, behind] = «direction === 'forward' ? [after, before] : [before, after]»;",
    by: "direction === 'forward' ? [before, after] : [after, before]",
    fails: ['list.*pages', 'list.*last-page-full'],
  },
  {
    id: 'list.next-page-that-is-not-there',
    file: pagination,
    at: 'const [hasMore, hasRest] = [«selected.length > size», rest.length > 0];',
    by: 'selected.length >= size',
    fails: ['list.*last-page-full'],
  },
  {
    id: 'list.backward-flags-swapped',
    file: pagination,
    at: "hasNextPage: direction === 'forward' ? hasMore : «hasRest»,",
    by: 'hasMore',
    also: [{ file: pagination, at: "hasPreviousPage: direction === 'forward' ? hasRest : «hasMore»,", by: 'hasRest' }],
    fails: ['list.*backward-flags'],
  },
  {
    id: 'list.last-of-zero',
    file: pagination,
    at: "«parseSize(query, 'last')»];",
    by: "parseSize(query.last === '0' ? {} : query, 'last') ?? (query.last === '0' ? 1 : undefined)",
    also: [withoutSchema],
    fails: ['list.*refuses-last-zero'],
  },
  {
    id: 'list.stale-items',
    file: incoming,
    at: 'statements: listStatements,\n        toItem: «(row) => toBody(deps, row)»',
    by: '(row) => toBody(deps, { ...row, expires_at: row.created_at })',
    fails: ['list.items'],
  },
  {
    id: 'list.outgoing-items-without-quote',
    file: outgoing,
    at: 'statements: listStatements,\n        toItem: «(row) => toBody(deps, row)»',
    by: '(row) => ({ ...toBody(deps, row), createdAt: new Date(deps.clock.businessNow() + 1000).toISOString() })',
    fails: ['list.outgoing-items'],
  },
  {
    id: 'list.items-with-methods',
    file: 'src/resource/payment-list.ts',
    at: 'rows.map(«(row) => toItem({ ...row, wallet_url: wallet.url })»)',
    by: '(row) => ({ ...toItem({ ...row, wallet_url: wallet.url }), walletAddress: `${wallet.url}/` })',
    fails: ['list.items'],
  },
];
