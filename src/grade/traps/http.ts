/** Traps of redirects, broken connections and servers that fail. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import { headerLines, withoutSlashes } from '../../http/received-request.ts';
import type { Answer } from '../../http/reply.ts';
import { answerTraps } from './answers.ts';
import { tlsTraps } from './tls.ts';
import type { ControlExchange, Trap } from './trap.ts';
import { errorReply, isReply, isResource, poisoned, requestKey, successOf, text, withBody } from './wire.ts';

const needsWallet = ['get-wallet-address'];

const isWallet = ({ operation }: InterceptedCall): boolean => operation === 'get-wallet-address';

const urlOf = ({ url }: InterceptedCall): string => withoutSlashes(url);

/** The control run read this wallet address. */
const reads = (control: readonly ControlExchange[], wallet: string): boolean =>
  control.some(({ operation, request }) => operation === 'get-wallet-address' && request.targetUri === wallet);

/** HTTP libraries follow 50 at most, and repeat a failed request twice. */
const MAX_HOPS = 200;

const redirect = (status: 302 | 307, location: string): Answer => ({ status, headers: { Location: location } });

const posts = ['post-request', 'create-incoming-payment', 'create-quote', 'create-outgoing-payment'] as const;

/** The first calls of an operation that comes in the control run; the path is that of a wallet address or resource. */
const isRead = (call: InterceptedCall): boolean =>
  call.exchange.method === 'GET' && (isWallet(call) || isResource(call));

/** The signature, token or content of an earlier request that this one contains. */
function findRepeated(earlier: InterceptedCall, call: InterceptedCall): string | undefined {
  const header = (name: string, { exchange }: InterceptedCall) => headerLines(exchange, name)[0];
  for (const name of ['signature', 'authorization']) {
    const sent = header(name, earlier);
    if (sent !== undefined && header(name, call) === sent) return name;
  }
  const { body } = earlier.exchange;
  return body.length > 0 && call.exchange.body.equals(body) ? 'content' : undefined;
}

export const httpTraps = {
  ...answerTraps,
  ...tlsTraps,

  P31: {
    rounds: ['a redirect', 'a foreign id'],
    needs: [...needsWallet, 'create-incoming-payment'],
    set({ facts, round, receiver, sender }) {
      facts.arm();
      return {
        async answer(call, next) {
          const walletAddress = text(call.body, 'walletAddress');
          if (call.operation === 'create-incoming-payment' && walletAddress === sender) {
            facts.forbid(call, 'The client opened an incoming payment at the foreign wallet address.');
          }
          if (!isWallet(call) || urlOf(call) !== receiver) return next();
          if (round === 0) return poisoned(facts, call, redirect(302, sender));
          const answer = await next();
          return poisoned(facts, call, withBody(answer, { ...successOf(answer), id: sender }));
        },
      };
    },
  },

  P32: {
    rounds: ['a grant request', 'a read'],
    needs: ['post-request'],
    suits: (control, round) => round === 0 || control.some((each) => isResource(each) && each.request.method === 'GET'),
    set({ facts, round, ases }) {
      facts.arm();
      let redirected: InterceptedCall | undefined;
      return {
        async answer(call, next) {
          const isElsewhere = redirected !== undefined && call.ase !== redirected.ase;
          const repeated = isElsewhere ? findRepeated(redirected!, call) : undefined;
          if (repeated !== undefined) {
            facts.forbid(call, `The client sent the ${repeated} of the redirected request to another origin.`);
            return errorReply(400, 'invalid_request', 'this request was for another server');
          }
          const isTarget =
            round === 0 ? call.operation === 'post-request' : isResource(call) && call.exchange.method === 'GET';
          if (!isTarget || redirected !== undefined) return next();
          redirected = call;
          const other = ases.find(({ name }) => name !== call.ase)!;
          const location =
            round === 0
              ? other.authServer
              : other.resourceServer +
                new URL(call.exchange.targetUri).pathname.replace(/^.*(?=\/[\w-]+\/[\w-]+$)/, '');
          return poisoned(facts, call, redirect(round === 0 ? 307 : 302, location));
        },
      };
    },
  },

  P33: {
    needs: needsWallet,
    set({ facts, receiver }) {
      facts.arm();
      let times = 0;
      return {
        async answer(call, next) {
          if (!isWallet(call) || urlOf(call) !== receiver) return next();
          times += 1;
          if (times > MAX_HOPS) facts.forbid(call, `The client followed ${MAX_HOPS} redirects to the same address.`);
          const answer = redirect(302, receiver);
          return times === 2 ? poisoned(facts, call, answer) : answer;
        },
      };
    },
  },

  P38: {
    needs: needsWallet,
    set({ facts, now, wallNow }) {
      facts.arm();
      let key: string | undefined;
      let times = 0;
      let earliest = 0;
      return {
        async answer(call, next) {
          if (!isRead(call) || (key !== undefined && requestKey(call) !== key)) return next();
          key ??= requestKey(call);
          times += 1;
          if (times > 1 && times < 4 && now() < earliest) {
            facts.forbid(call, `The client came back ${Math.round(earliest - now())} ms too early.`, 'CL-HTTP-14');
          }
          if (times === 3) facts.warn(call, 'The client tried for a third time.', 'CL-HTTP-15');
          if (times > 2) return next();
          const wait = times === 1 ? '2' : new Date(wallNow() + 3000).toUTCString();
          const unavailable = errorReply(503, 'unavailable', 'try again later', { 'Retry-After': wait });
          // A date has the resolution of a second.
          const milliseconds = times === 1 ? 2000 - 100 : 3000 - 1100;
          return {
            ...unavailable,
            onSent(isComplete) {
              earliest = now() + milliseconds;
              if (isComplete) facts.reach(call);
            },
          };
        },
      };
    },
  },

  P39: {
    rounds: posts,
    needs: [],
    suits: (control, round) => control.some(({ operation }) => operation === posts[round]),
    set({ facts, round, now }) {
      facts.arm();
      const statuses = [500, 502];
      let failed: { readonly key: string; readonly at: number } | undefined;
      return {
        async answer(call, next) {
          const key = requestKey(call);
          if (failed?.key === key && now() - failed.at < 10_000) {
            facts.forbid(call, `The client repeated the POST ${Math.round(now() - failed.at)} ms after the error.`);
          }
          failed = undefined;
          const status = call.operation === posts[round] ? statuses.shift() : undefined;
          if (status === undefined) return next();
          const answer = errorReply(status, 'internal_error', 'the server failed');
          return {
            ...answer,
            onSent(isComplete) {
              failed = { key, at: now() };
              if (isComplete) facts.reach(call);
            },
          };
        },
      };
    },
  },

  P40: {
    needs: ['create-outgoing-payment'],
    set({ facts }) {
      facts.arm();
      const lost = new Set<string>();
      return {
        async answer(call, next) {
          const reads = ['get-outgoing-payment', 'list-outgoing-payments', 'get-outgoing-payment-grant'];
          if (reads.includes(call.operation)) lost.clear();
          const money = text(call.body, 'quoteId') ?? text(call.body, 'incomingPayment');
          if (call.operation === 'create-outgoing-payment' && money !== undefined && lost.has(money)) {
            facts.forbid(call, 'The client paid the same money again without a look at the first payment.');
          }
          const answer = await next();
          if (call.operation === 'create-outgoing-payment' && money !== undefined && successOf(answer)) {
            lost.add(money);
            facts.reach(call);
            return 'reset';
          }
          // So that the next request has a fresh connection, which no library takes for a stale one.
          return isReply(answer) ? { ...answer, headers: { ...answer.headers, Connection: 'close' } } : answer;
        },
      };
    },
  },

  P41: {
    needs: needsWallet,
    set({ facts, receiver, control }) {
      facts.arm();
      const isJudged = (call: InterceptedCall) =>
        isWallet(call) && (urlOf(call) === receiver || (control.length > 0 && !reads(control, receiver)));
      return {
        async answer(call, next) {
          if (!isJudged(call)) return next();
          facts.reach(call);
          return 'silence';
        },
      };
    },
  },
} satisfies Record<string, Trap>;
