/** Traps of answers with more members, fewer members or unusual errors. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { Answer, Reply } from '../../http/reply.ts';
import type { RequirementId } from '../catalogue.ts';
import { findTelling } from '../reported-outcomes.ts';
import { addMembers, cutToRequired } from './members.ts';
import type { Trap, TrapContext } from './trap.ts';
import {
  accessOf,
  amountsOf,
  createProgress,
  isReply,
  isResource,
  member,
  poisoned,
  requestKey,
  successOf,
  text,
  withBody,
} from './wire.ts';

/** Rewrites every successful answer, and requires the calls of the control run. */
const rewriteAll = (
  { facts, control }: TrapContext,
  change: (call: InterceptedCall, body: unknown, status: number) => unknown,
) => {
  const progress = createProgress(control);
  facts.arm();
  return {
    async answer(call: InterceptedCall, next: () => Promise<Answer>): Promise<Answer> {
      if (progress.count(call)) facts.require(call);
      const answer = await next();
      const body = successOf(answer);
      if (!body || !isReply(answer)) return answer;
      const changed = change(call, body, answer.status);
      return JSON.stringify(changed) === JSON.stringify(body)
        ? answer
        : poisoned(facts, call, withBody(answer, changed));
    },
  };
};

const rsaKey = {
  kid: 'rsa-1',
  alg: 'RS256',
  kty: 'RSA',
  use: 'sig',
  e: 'AQAB',
  n: Buffer.alloc(256, 0xc5).toString('base64url'),
};

const oddForms = [
  'not found, as HTML',
  'too_fast as a text',
  '429',
  '451',
  '599',
  'an unknown code',
  'no content',
  'truncated JSON',
  'a failed DELETE',
] as const;

const judgedBy: Readonly<Record<(typeof oddForms)[number], readonly RequirementId[]>> = {
  'not found, as HTML': ['CL-WA-12'],
  'too_fast as a text': ['CL-HTTP-05'],
  '429': ['CL-HTTP-04'],
  '451': ['CL-HTTP-04'],
  '599': ['CL-HTTP-04'],
  'an unknown code': ['CL-HTTP-06'],
  'no content': ['CL-HTTP-06'],
  'truncated JSON': ['CL-HTTP-06'],
  'a failed DELETE': ['CL-GNAP-33'],
};

/** Operations of which the control run must have called one, and which meet the trap. */
const neededFor: Readonly<Partial<Record<(typeof oddForms)[number], readonly string[]>>> = {
  'too_fast as a text': ['post-continue'],
  'a failed DELETE': ['delete-continue', 'delete-token'],
};

/** A request may come this often before the client counts as one that repeats it without an end. */
const MAX_REPETITIONS = 3;

function oddAnswer(form: (typeof oddForms)[number]): Reply {
  const html = { 'Content-Type': 'text/html; charset=utf-8' };
  switch (form) {
    case 'not found, as HTML':
      return { status: 404, headers: html, body: '<!doctype html><title>Not found</title><h1>Not found</h1>' };
    case 'too_fast as a text':
      return { status: 400, body: { error: 'too_fast' } };
    case '429':
    case '451':
    case '599':
      return { status: Number(form), body: { error: { code: 'refused', description: 'not now' } } };
    case 'an unknown code':
      return { status: 400, body: { error: { code: 'moon_phase', description: 'the moon is not full' } } };
    case 'no content':
    case 'a failed DELETE':
      return { status: 500 };
    case 'truncated JSON':
      return { status: 400, headers: { 'Content-Type': 'application/json' }, body: '{"error": {"code": "invalid' };
  }
}

export const answerTraps = {
  P34: {
    rounds: ['wallet addresses', 'other answers'],
    needs: ['get-wallet-address'],
    set: (context) =>
      rewriteAll(context, ({ operation }, body, status) =>
        (operation === 'get-wallet-address') === (context.round === 0)
          ? addMembers(operation, status, body, 'open')
          : body,
      ),
  },

  P35: {
    needs: ['post-request'],
    set: (context) =>
      rewriteAll(context, ({ operation }, body, status) => addMembers(operation, status, body, 'closed')),
  },

  P36: {
    rounds: ['optional members', 'no scale'],
    needs: ['get-wallet-address'],
    judges: (round) => (round === 1 ? ['CL-WA-11'] : ['CL-HTTP-09', 'CL-IP-06', 'CL-IP-07', 'CL-OP-08']),
    set(context) {
      const { facts, round } = context;
      if (round === 0) {
        return rewriteAll(context, ({ operation }, body, status) => cutToRequired(operation, status, body));
      }
      facts.arm();
      /** Currencies whose scale an answer has shown. */
      const known = new Set<unknown>();
      const hidden = new Set<unknown>();
      return {
        async answer(call, next) {
          for (const { assetCode, assetScale } of amountsOf(call.body)) {
            if (hidden.has(assetCode) && !known.has(assetCode) && assetScale !== undefined) {
              facts.forbid(call, 'The client sent an amount in an asset whose scale it did not know.');
            }
          }
          const answer = await next();
          const body = successOf(answer);
          if (call.operation === 'get-wallet-address' && body && 'assetScale' in body) {
            const { assetScale: _, ...rest } = body;
            hidden.add(body['assetCode']);
            // In this round, the client may stop: what it must not do decides.
            facts.require(call);
            return poisoned(facts, call, withBody(answer, rest));
          }
          for (const { assetCode, assetScale } of amountsOf(body)) if (assetScale !== undefined) known.add(assetCode);
          return answer;
        },
      };
    },
  },

  P37: {
    rounds: oddForms,
    needs: ['get-wallet-address'],
    judges: (round) => judgedBy[oddForms[round]!],
    suits: (control, round) => {
      const needed = neededFor[oddForms[round]!];
      return needed === undefined || control.some(({ operation }) => needed.includes(operation ?? ''));
    },
    after: (round) => (oddForms[round] === 'too_fast as a text' ? 'P12' : undefined),
    set({ facts, round, receiver, controlOutcomes, onEnd }) {
      const form = oddForms[round]!;
      facts.arm();
      let first: InterceptedCall | undefined;
      let times = 0;
      const fail = (call: InterceptedCall, detail: string) => {
        facts.reach(call);
        facts.forbid(call, detail);
      };
      const isTarget = (call: InterceptedCall): boolean => {
        if (form === 'too_fast as a text') return call.operation === 'post-continue';
        if (form === 'not found, as HTML') return call.operation === 'get-wallet-address' && call.url === receiver;
        const method = form === 'a failed DELETE' ? 'DELETE' : 'GET';
        return call.exchange.method === method && (neededFor[form]?.includes(call.operation ?? '') ?? isResource(call));
      };
      onEnd((outcomes) => {
        if (first === undefined || form === 'too_fast as a text' || times > MAX_REPETITIONS) return;
        const { status } = oddAnswer(form);
        const telling = findTelling(status, controlOutcomes, outcomes);
        if (typeof telling === 'object') return facts.miss(telling.unknown);
        if (telling === 'silent') return fail(first, `The client reported no error about the status ${status}.`);
        facts.reach(first);
        facts.require(first, `The client reported the error, with the status ${status}.`);
        if (telling === 'vague') facts.warn(first, `The client reported an error without its status, ${status}.`);
      });
      return {
        async answer(call, next) {
          const names = [text(call.body, 'walletAddress'), ...accessOf(call.body).map(({ identifier }) => identifier)];
          if (form === 'not found, as HTML' && first !== undefined && names.includes(receiver)) {
            fail(call, 'The client went on with a wallet address that does not exist.');
          }
          if (!isTarget(call) || (first !== undefined && requestKey(first) !== requestKey(call))) return next();
          first ??= call;
          times += 1;
          if (times > MAX_REPETITIONS) fail(call, 'The client sent the same request for the fourth time.');
          if (form !== 'too_fast as a text') {
            facts.miss('The client met the trap, and did not end by itself.');
            return oddAnswer(form);
          }
          if (times === 1) return poisoned(facts, call, oddAnswer(form));
          facts.require(call);
          return next();
        },
      };
    },
  },

  P48: {
    needs: ['get-wallet-address-keys'],
    set: (context) =>
      rewriteAll(context, ({ operation }, body) => {
        const keys = member(body, 'keys');
        return operation === 'get-wallet-address-keys' && Array.isArray(keys)
          ? { ...(body as object), keys: [rsaKey, ...keys] }
          : body;
      }),
  },
} satisfies Record<string, Trap>;
