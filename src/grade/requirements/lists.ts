/** Requirements on lists and their pages. */
import type { Requirement } from '../requirement.ts';

export const lists = {
  'CL-LST-01': {
    level: 'must',
    title: 'Encodes and signs the query of a list',
    statement: '`wallet-address` is present and percent-encoded once, and the signed URL includes the query.',
    why: 'A query that is encoded twice names another wallet, and one that is not signed can be changed.',
    references: ['Open Payments resource-server list-incoming-payments', 'RFC 9421 §2.2.2'],
    evidence: ['exchange'],
    observed: 'The parameter is decoded once and compared, and the signature is verified over the raw query.',
    fix: 'Let one library build the query, and sign its result.',
    broken: 'Sign the path only.',
  },
  'CL-LST-02': {
    level: 'must',
    title: 'Asks for one to a hundred items',
    statement: '`first` and `last` are integers from 1 to 100.',
    why: 'The server rejects other sizes.',
    references: ['Open Payments resource-server list-incoming-payments'],
    evidence: ['exchange'],
    observed: 'The parameters are parsed.',
    fix: 'Limit the page size to 100, and follow the cursor for more.',
    broken: 'Ask for `first=500`.',
  },
  'CL-LST-03': {
    level: 'note',
    title: 'Pages in one direction at a time',
    statement: '`first` and `last` do not occur together, and `last` comes with the start cursor.',
    why: 'The combination has no agreed meaning.',
    references: ['Open Payments resource-server list-outgoing-payments'],
    evidence: ['exchange'],
    observed: 'The combination of the parameters is noted.',
    fix: 'Use `first` with `endCursor`, or `last` with `startCursor`.',
    broken: 'Send `first` and `last` in one request.',
  },
  'CL-LST-04': {
    level: 'must',
    title: 'Returns the cursor as it came',
    statement: 'The decoded `cursor` of a request is the cursor of the page before, character for character.',
    why: 'The cursor is opaque, and a server may put any text into it.',
    references: ['Open Payments resource-server list-incoming-payments'],
    evidence: ['exchange', 'probe'],
    observed:
      'A cursor with a space, a plus sign, a percent sign and an umlaut comes back unchanged in a request whose signature verifies.',
    fix: 'Percent-encode the cursor once, and sign the encoded form.',
    broken: 'Append the raw cursor to the URL.',
  },
  'CL-LST-05': {
    level: 'should',
    title: 'Knows when a list ends',
    statement:
      'Paging stops at the last page, at an empty page, without a cursor, and when the cursor does not change.',
    why: 'A server with a mistake would otherwise keep the client busy for ever.',
    references: ['Open Payments resource-server list-incoming-payments'],
    evidence: ['probe'],
    observed: 'At most three equal requests follow an empty page that claims to have a next one.',
    fix: 'Leave the loop if `endCursor` is absent or the same as before.',
    broken: 'Loop while `hasNextPage` is true.',
  },
} satisfies Record<string, Requirement>;
