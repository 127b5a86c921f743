/** Tokens and signatures that each operation of the resource server refuses. Open Payments resource-server, RFC 9635 §9.1. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectResourceError } from '../../steps/expect.ts';
import { type Operation, operations } from '../../steps/resource-operations.ts';
import { grantOutgoing, incomingAccess, outgoingAccess, quoteAccess, requestToken } from '../../steps/scenarios.ts';

/** Valid tokens of the party's ASE without the right that the operation needs. */
async function unfitTokens(context: CheckContext, operation: Operation): Promise<string[]> {
  const party = operation.party(context);
  const isIncoming = operation.id.includes('incoming-payment');
  const isQuote = operation.id.includes('quote');
  const tokens: string[] = [];
  if (isIncoming) {
    const others = ['create', 'complete', 'read', 'list'].filter((action) => action !== operation.action);
    tokens.push((await requestToken(context, party, [incomingAccess(party, others)])).access_token.value);
    tokens.push((await requestToken(context, party, [quoteAccess()])).access_token.value);
  } else if (isQuote) {
    const other = operation.action === 'create' ? 'read' : 'create';
    tokens.push((await requestToken(context, party, [quoteAccess([other])])).access_token.value);
    tokens.push((await requestToken(context, party, [incomingAccess(party)])).access_token.value);
  } else {
    tokens.push((await requestToken(context, party, [quoteAccess(), incomingAccess(party)])).access_token.value);
    if (operation.action !== 'create') {
      const access = outgoingAccess(party, undefined, ['create']);
      tokens.push((await grantOutgoing(context, access)).access_token.value);
    } else {
      const access = outgoingAccess(party, undefined, ['read', 'list']);
      tokens.push((await grantOutgoing(context, access)).access_token.value);
    }
  }
  return tokens;
}

/** Check ids by operation. The public view of an incoming payment needs no token and no signature (RS-IP-14). */
const ids = {
  withoutToken: {
    'create-incoming-payment': 'resource.create-incoming-payment-without-token',
    'list-incoming-payments': 'resource.list-incoming-payments-without-token',
    'complete-incoming-payment': 'resource.complete-incoming-payment-without-token',
    'create-quote': 'resource.create-quote-without-token',
    'get-quote': 'resource.get-quote-without-token',
    'create-outgoing-payment': 'resource.create-outgoing-payment-without-token',
    'list-outgoing-payments': 'resource.list-outgoing-payments-without-token',
    'get-outgoing-payment': 'resource.get-outgoing-payment-without-token',
    'get-outgoing-payment-grant': 'resource.get-outgoing-payment-grant-without-token',
  },
  wrongToken: {
    'create-incoming-payment': 'resource.create-incoming-payment-wrong-token',
    'list-incoming-payments': 'resource.list-incoming-payments-wrong-token',
    'get-incoming-payment': 'resource.get-incoming-payment-wrong-token',
    'complete-incoming-payment': 'resource.complete-incoming-payment-wrong-token',
    'create-quote': 'resource.create-quote-wrong-token',
    'get-quote': 'resource.get-quote-wrong-token',
    'create-outgoing-payment': 'resource.create-outgoing-payment-wrong-token',
    'list-outgoing-payments': 'resource.list-outgoing-payments-wrong-token',
    'get-outgoing-payment': 'resource.get-outgoing-payment-wrong-token',
    'get-outgoing-payment-grant': 'resource.get-outgoing-payment-grant-wrong-token',
  },
  unsigned: {
    'create-incoming-payment': 'resource.create-incoming-payment-unsigned',
    'list-incoming-payments': 'resource.list-incoming-payments-unsigned',
    'complete-incoming-payment': 'resource.complete-incoming-payment-unsigned',
    'create-quote': 'resource.create-quote-unsigned',
    'get-quote': 'resource.get-quote-unsigned',
    'create-outgoing-payment': 'resource.create-outgoing-payment-unsigned',
    'list-outgoing-payments': 'resource.list-outgoing-payments-unsigned',
    'get-outgoing-payment': 'resource.get-outgoing-payment-unsigned',
    'get-outgoing-payment-grant': 'resource.get-outgoing-payment-grant-unsigned',
  },
  wronglySigned: {
    'create-incoming-payment': 'resource.create-incoming-payment-wrongly-signed',
    'list-incoming-payments': 'resource.list-incoming-payments-wrongly-signed',
    'get-incoming-payment': 'resource.get-incoming-payment-wrongly-signed',
    'complete-incoming-payment': 'resource.complete-incoming-payment-wrongly-signed',
    'create-quote': 'resource.create-quote-wrongly-signed',
    'get-quote': 'resource.get-quote-wrongly-signed',
    'create-outgoing-payment': 'resource.create-outgoing-payment-wrongly-signed',
    'list-outgoing-payments': 'resource.list-outgoing-payments-wrongly-signed',
    'get-outgoing-payment': 'resource.get-outgoing-payment-wrongly-signed',
    'get-outgoing-payment-grant': 'resource.get-outgoing-payment-grant-wrongly-signed',
  },
  insufficient: {
    'create-incoming-payment': 'resource.create-incoming-payment-insufficient',
    'list-incoming-payments': 'resource.list-incoming-payments-insufficient',
    'get-incoming-payment': 'resource.get-incoming-payment-insufficient',
    'complete-incoming-payment': 'resource.complete-incoming-payment-insufficient',
    'create-quote': 'resource.create-quote-insufficient',
    'get-quote': 'resource.get-quote-insufficient',
    'create-outgoing-payment': 'resource.create-outgoing-payment-insufficient',
    'list-outgoing-payments': 'resource.list-outgoing-payments-insufficient',
    'get-outgoing-payment': 'resource.get-outgoing-payment-insufficient',
    'get-outgoing-payment-grant': 'resource.get-outgoing-payment-grant-insufficient',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

const isPublicGet = (operation: Operation): boolean => operation.id === 'get-incoming-payment';

const idFor = (kind: keyof typeof ids, { id }: Operation): string =>
  (ids[kind] as Readonly<Record<string, string>>)[id]!;

function checksOf(operation: Operation): Check[] {
  const grantRows = operation.id === 'get-outgoing-payment-grant' ? ['RS-G-06'] : [];
  const authenticated = isPublicGet(operation) ? ['RS-IP-16'] : [];
  const checks: Check[] = [
    {
      id: idFor('withoutToken', operation),
      rows: ['RS-02', 'RS-04', 'RS-05', ...grantRows],
      title: `${operation.id} without a token is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, sign: {} }), 401);
        const answer = expectResourceError(await context.call({ ...call, sign: false }), 401);
        const { authServer } = operation.party(context);
        assert.equal(answer.headers.get('www-authenticate'), `GNAP as_uri=${authServer}`);
      },
    },
    {
      id: idFor('wrongToken', operation),
      rows: ['RS-04', 'RS-05', 'RS-06', ...grantRows, ...authenticated],
      title: `${operation.id} with a token that was never issued is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, token: `unknown-${randomUUID()}` }), 401);
      },
    },
    {
      id: idFor('unsigned', operation),
      rows: ['SIG-01', 'SIG-30', 'SIG-31', 'RS-04', ...grantRows],
      title: `${operation.id} with a token but without signature is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        expectResourceError(await context.call({ ...call, token, sign: false }), 401, /^Signature validation error/);
      },
    },
    {
      id: idFor('wronglySigned', operation),
      rows: ['SIG-23', 'SIG-29', 'SIG-30', 'RS-04', ...grantRows, ...authenticated],
      title: `${operation.id} with a broken signature, or with one by another client, is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        expectResourceError(
          await context.call({ ...call, token, sign: { broken: true } }),
          401,
          /^Signature validation error/,
        );
        const sign = context.newIdentity(context.target.identity.keyId);
        expectResourceError(await context.call({ ...call, token, sign }), 401, /^Signature validation error/);
      },
    },
    {
      id: idFor('insufficient', operation),
      rows: [
        'RS-07',
        'RS-08',
        ...(grantRows.length > 0 ? ['RS-G-05'] : []),
        ...(operation.id === 'create-outgoing-payment' ? ['RS-OP-02'] : []),
      ],
      title: `${operation.id} with a token for other rights is refused`,
      run: async (context) => {
        const call = await operation.call(context);
        for (const token of await unfitTokens(context, operation)) {
          expectResourceError(await context.call({ ...call, token }), 403, /insufficient grant/i);
        }
      },
    },
  ];
  return checks.filter(({ id }) => id !== undefined);
}

export const checks: readonly Check[] = operations.flatMap(checksOf);
