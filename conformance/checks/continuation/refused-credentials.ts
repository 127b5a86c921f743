/** Continuations and cancellations with invalid credentials. RFC 9635 §5, Open Payments auth-server /continue/{id}. */
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectGnapError } from '../../steps/expect.ts';
import { outgoingAccess, type PendingGrant, passWait, requestInteractiveGrant } from '../../steps/scenarios.ts';
import type { Call, Json } from '../../steps/signed-client.ts';

const pendingGrant = (context: CheckContext): Promise<PendingGrant> =>
  requestInteractiveGrant(context, [outgoingAccess(context.sender)], true);

/** Invalid credentials for a continuation. */
const refusals: readonly {
  readonly ids: Readonly<Record<'post-continue' | 'delete-continue', string>>;
  readonly rows: readonly string[];
  readonly title: string;
  readonly change: (grant: Json) => Partial<Call>;
  /** Another invalid call, with a second grant. */
  readonly confuse?: (grant: Json, other: Json) => Partial<Call>;
  readonly code: string;
}[] = [
  {
    ids: {
      'post-continue': 'continuation.post-continue-no-token',
      'delete-continue': 'continuation.delete-continue-no-token',
    },
    rows: ['AS-110', 'AS-111'],
    title: 'no token',
    change: () => ({}),
    code: 'invalid_client',
  },
  {
    ids: {
      'post-continue': 'continuation.post-continue-unsigned',
      'delete-continue': 'continuation.delete-continue-unsigned',
    },
    rows: ['AS-111'],
    title: 'no signature',
    change: (grant) => ({ token: grant.continue.access_token.value, sign: false }),
    code: 'invalid_client',
  },
  {
    ids: {
      'post-continue': 'continuation.post-continue-wrong-token',
      'delete-continue': 'continuation.delete-continue-wrong-token',
    },
    rows: ['AS-110'],
    title: 'an unknown token',
    change: () => ({ token: randomUUID() }),
    code: 'invalid_continuation',
  },
  {
    ids: {
      'post-continue': 'continuation.post-continue-wrong-id',
      'delete-continue': 'continuation.delete-continue-wrong-id',
    },
    rows: ['AS-110'],
    title: 'a token under another id',
    change: (grant) => ({
      token: grant.continue.access_token.value,
      url: grant.continue.uri.replace(/[^/]+$/, randomUUID()),
    }),
    confuse: (grant, other) => ({ token: grant.continue.access_token.value, url: other.continue.uri }),
    code: 'invalid_continuation',
  },
  {
    ids: {
      'post-continue': 'continuation.post-continue-broken-signature',
      'delete-continue': 'continuation.delete-continue-broken-signature',
    },
    rows: ['AS-110'],
    title: 'a signature that does not verify',
    change: (grant) => ({ token: grant.continue.access_token.value, sign: { broken: true } }),
    code: 'invalid_client',
  },
];

export const checks: readonly Check[] = refusals.flatMap(({ ids, rows, title, change, confuse, code }): Check[] =>
  (['post-continue', 'delete-continue'] as const).map((operation) => ({
    id: ids[operation],
    rows: [...rows, ...(operation === 'delete-continue' ? ['AS-132'] : []), 'AS-160', 'AS-162', 'AS-14'],
    title: `${operation} is refused with 401 ${code}: ${title}`,
    run: async (context) => {
      const { body } = await pendingGrant(context);
      await passWait(context, body);
      const method = operation === 'post-continue' ? 'POST' : 'DELETE';
      const call = { operation, method, url: body.continue.uri };
      expectGnapError(await context.call({ ...call, ...change(body) }), 401, code);
      if (!confuse) return;
      const other = await pendingGrant(context);
      expectGnapError(await context.call({ ...call, ...confuse(body, other.body) }), 401, code);
    },
  })),
);
