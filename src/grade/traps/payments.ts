/** Traps of quotes, amounts, payments and lists. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import { parseQuery, splitTarget } from '../../http/received-request.ts';
import type { ControlExchange, Trap, TrapContext } from './trap.ts';
import {
  accessOf,
  amountsOf,
  createProgress,
  errorReply,
  type Json,
  member,
  poisoned,
  successOf,
  text,
  whenDelivered,
  withBody,
} from './wire.ts';

const pays = ['create-quote', 'create-outgoing-payment'];

const isList = ({ operation }: { readonly operation: string }): boolean => operation.startsWith('list-');

const pathOf = ({ ase, exchange }: InterceptedCall): string => `${ase} ${splitTarget(exchange.rawTarget)[0]}`;

const cursorOf = (rawTarget: string): string | undefined => {
  const { cursor } = parseQuery(rawTarget);
  return typeof cursor === 'string' ? cursor : undefined;
};

/** The control run asked for a page after the first one. */
const turnsPages = (control: readonly ControlExchange[]): boolean =>
  control.some((each) => isList(each) && cursorOf(each.request.rawTarget) !== undefined);

const debitLimits = (body: unknown): string[] =>
  accessOf(body).flatMap(({ limits }) => text(limits, 'debitAmount', 'value') ?? []);

/** Characters that a query must encode, and that stand for themselves in a body. */
const CURSOR = 'a +/=#%\u00fcz';

const largeAmounts = ['9007199254740993', '18446744073709551615'] as const;
const scales = [0, 9, 255] as const;

/** The second page of a list is empty and points to itself. */
function repeatPage({ facts }: TrapContext): Interceptor {
  const times = new Map<string, number>();
  let cursor: string | undefined;
  return {
    async answer(call, next) {
      const answer = await next();
      const pagination = member(successOf(answer), 'pagination') as Json | undefined;
      const asked = cursorOf(call.exchange.rawTarget);
      if (!isList(call) || !pagination) return answer;
      if (asked === undefined) {
        if (pagination['hasNextPage'] !== true) return answer;
        facts.arm();
        cursor = text(pagination, 'endCursor');
        return answer;
      }
      if (asked !== cursor) return answer;
      const count = (times.get(call.exchange.targetUri) ?? 0) + 1;
      times.set(call.exchange.targetUri, count);
      if (count === 4) facts.forbid(call, 'The client asked for the same page for the fourth time.');
      const body = { pagination: { ...pagination, hasNextPage: true, endCursor: cursor }, result: [] };
      return poisoned(facts, call, withBody(answer, body));
    },
  };
}

/** The payment fails after two fifths of its amount, as far as the client can see. */
function failHalfWay({ facts }: TrapContext): Interceptor {
  const quotes = new Map<string, string>();
  const unread = new Set<string>();
  const failed = new Map<string, string>();
  const fail = (payment: Json): Json => {
    const sent = member(payment, 'debitAmount') as Json;
    const value = `${(BigInt(text(sent, 'value') ?? 0) * 2n) / 5n}`;
    return { ...payment, failed: true, sentAmount: { ...sent, value } };
  };
  const receiverOf = ({ body }: InterceptedCall): string | undefined =>
    quotes.get(text(body, 'quoteId') ?? '') ?? text(body, 'incomingPayment');
  return {
    async answer(call, next) {
      const isPayment = call.operation === 'create-outgoing-payment';
      const money = isPayment ? receiverOf(call) : undefined;
      if (money !== undefined && unread.has(money)) {
        facts.forbid(call, 'The client paid the same money again without a look at the first payment.');
      }
      if (call.operation === 'list-outgoing-payments' || call.operation === 'get-outgoing-payment') unread.clear();
      const answer = await next();
      const body = successOf(answer);
      // In truth all of the money may have arrived by now, so that nothing is left to quote.
      if (!body && call.operation === 'create-quote' && unread.has(text(call.body, 'receiver') ?? '')) {
        facts.forbid(call, 'The client wanted to pay the same money again without a look at the first payment.');
      }
      const id = text(body, 'id');
      if (!body || id === undefined) return answer;
      if (call.operation === 'create-quote') quotes.set(id, text(body, 'receiver') ?? '');
      if (money !== undefined) {
        facts.arm();
        failed.set(id, money);
        unread.add(money);
        return poisoned(facts, call, answer);
      }
      if (call.operation === 'get-outgoing-payment' && failed.has(id)) return withBody(answer, fail(body));
      const isReceiver = [...failed.values()].includes(id) && call.operation === 'get-incoming-payment';
      return isReceiver ? withBody(answer, { ...body, completed: false }) : answer;
    },
  };
}

export const paymentTraps = {
  P42: {
    needs: pays,
    set({ facts, now, wallNow, sleep }) {
      const quotes = new Map<string, { expiresAt: number; times: number }>();
      let isHeld = false;
      return {
        async answer(call, next) {
          const quote =
            call.operation === 'create-outgoing-payment' ? quotes.get(text(call.body, 'quoteId') ?? '') : undefined;
          if (quote && now() > quote.expiresAt) {
            quote.times += 1;
            if (quote.times === 1) facts.warn(call, 'The client paid by an expired quote.');
            else facts.forbid(call, 'The client paid by the expired quote again after it was rejected.');
            return errorReply(400, 'invalid_request', 'quote expired');
          }
          const answer = await next();
          const body = successOf(answer);
          const id = text(body, 'id');
          if (call.operation !== 'create-quote' || !body || id === undefined) {
            if (quotes.size === 0 || isHeld) return answer;
            isHeld = true;
            await sleep(3000);
            return poisoned(facts, call, answer);
          }
          facts.arm();
          const expiresAt = new Date(wallNow() + 2000).toISOString();
          const expiry = now() + 2000;
          return whenDelivered(withBody(answer, { ...body, expiresAt }), () =>
            quotes.set(id, { expiresAt: expiry, times: 0 }),
          );
        },
      };
    },
  },

  P43: {
    rounds: largeAmounts,
    needs: ['create-quote', 'post-request'],
    // Only a client that takes its limit, or the amount of the payment, from the quote.
    suits: (control) => {
      const quoted = control.flatMap(({ operation, answer }) =>
        operation === 'create-quote' ? (text(answer, 'debitAmount', 'value') ?? []) : [],
      );
      return control.some(({ body }) =>
        [...debitLimits(body), text(body, 'debitAmount', 'value')].some(
          (value) => value !== undefined && quoted.includes(value),
        ),
      );
    },
    set({ facts, round }) {
      const amount = largeAmounts[round]!;
      facts.arm();
      let isShown = false;
      return {
        async answer(call, next) {
          const derived = isShown ? [...debitLimits(call.body), text(call.body, 'debitAmount', 'value')] : [];
          for (const value of derived) {
            if (value !== undefined && value !== amount) facts.forbid(call, `The client made ${value} of the amount.`);
          }
          const answer = await next();
          const body = successOf(answer);
          if (call.operation !== 'create-quote' || !body) return answer;
          const debitAmount = { ...(member(body, 'debitAmount') as Json), value: amount };
          return poisoned(
            facts,
            call,
            whenDelivered(withBody(answer, { ...body, debitAmount }), () => {
              isShown = true;
            }),
          );
        },
      };
    },
  },

  P44: {
    rounds: scales.map((scale) => `scale ${scale}`),
    needs: ['get-wallet-address'],
    changes: (round) => ({ assetScale: scales[round]! }),
    set({ facts, control, round }) {
      const progress = createProgress(control);
      facts.arm();
      const assets = new Set<unknown>();
      return {
        async answer(call, next) {
          for (const { assetCode, assetScale } of amountsOf(call.body)) {
            if (assets.has(assetCode) && assetScale !== scales[round]) {
              facts.forbid(call, `The client sent an amount with the scale ${JSON.stringify(assetScale)}.`);
            }
          }
          if (progress.count(call)) facts.require(call);
          const answer = await next();
          const body = successOf(answer);
          if (call.operation !== 'get-wallet-address' || body?.['assetScale'] !== scales[round]) return answer;
          assets.add(body?.['assetCode']);
          return poisoned(facts, call, answer);
        },
      };
    },
  },

  P45: { needs: pays, set: failHalfWay },

  P46: {
    needs: [],
    suits: turnsPages,
    set({ facts }) {
      let real: string | undefined;
      // The list whose first page was poisoned, until its second page was asked for.
      let list: string | undefined;
      // A plus is a space in a form, and a plus in RFC 3986.
      const spellings = [CURSOR, CURSOR.replaceAll(' ', '+')];
      return {
        resolve: (name) => (spellings.includes(name) ? real : undefined),
        async answer(call, next) {
          const cursor = isList(call) ? cursorOf(call.exchange.rawTarget) : undefined;
          const isRight = cursor !== undefined && spellings.includes(cursor);
          const answer = await next();
          if (list !== undefined && list === pathOf(call) && cursor !== undefined) {
            list = undefined;
            if (!isRight) facts.forbid(call, 'The client sent another cursor.');
            else if (successOf(answer)) facts.require(call);
          }
          const pagination = member(successOf(answer), 'pagination') as Json | undefined;
          if (!isList(call) || !pagination || real !== undefined || pagination['hasNextPage'] !== true) return answer;
          facts.arm();
          real = text(pagination, 'endCursor');
          list = pathOf(call);
          const body = { ...successOf(answer), pagination: { ...pagination, endCursor: CURSOR } };
          return poisoned(facts, call, withBody(answer, body));
        },
      };
    },
  },

  P47: { needs: [], suits: turnsPages, set: repeatPage },
} satisfies Record<string, Trap>;
