/** Traps of continuation, of the URIs that servers hand out, and of what is granted. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { Answer } from '../../http/reply.ts';
import { createIds } from '../../ids.ts';
import { narrowGrant } from './narrowed-grant.ts';
import { createOpenGrants, type OpenGrant } from './open-grants.ts';
import { shapeTraps } from './shapes.ts';
import type { ControlExchange, Trap } from './trap.ts';
import {
  accessOf,
  createAliases,
  errorReply,
  interactRefOf,
  isReply,
  type Json,
  member,
  poisoned,
  successOf,
  text,
  whenDelivered,
  withBody,
} from './wire.ts';

const ids = createIds(undefined, 'traps');

const needs = ['post-request', 'post-continue'];

/** The control run continued a grant more than once, or before it had a reference. */
const polls = (control: readonly ControlExchange[]): boolean =>
  control.some(({ operation, body }) => operation === 'post-continue' && interactRefOf({ body }) === undefined);

/** How early a request may seem to come, in milliseconds. */
const TOLERANCE_MS = 100;

const isContinuation = ({ operation }: InterceptedCall): boolean => operation === 'post-continue';

/** An answer of the authorization server that is not about the signature or the client. */
const isDenial = (answer: Answer): boolean =>
  isReply(answer) &&
  ['request_denied', 'invalid_continuation', 'too_fast'].includes(text(answer.body, 'error', 'code') ?? '');

/** The answers to continuations that brought a token, which are held back behind a pending one. */
function holdFirst(pending: (held: Json, call: InterceptedCall, answer: Answer) => Answer) {
  const held = new Map<string, { readonly answer: Answer; isShown: boolean }>();
  return async (call: InterceptedCall, next: () => Promise<Answer>): Promise<Answer> => {
    const id = `${call.ase} ${call.params['id']}`;
    const answer = await next();
    const earlier = held.get(id);
    if (earlier && !earlier.isShown && isDenial(answer)) {
      earlier.isShown = true;
      return earlier.answer;
    }
    const body = successOf(answer);
    if (earlier || !body || member(body, 'access_token') === undefined) return answer;
    held.set(id, { answer, isShown: false });
    return pending(body, call, answer);
  };
}

/** The `continue` member with another wait, or without one. */
function withWait(body: Json, wait: number | undefined): Json {
  const { wait: _, ...rest } = (member(body, 'continue') ?? {}) as Json;
  return { ...body, continue: wait === undefined ? rest : { ...rest, wait } };
}

/** Milliseconds from a grant answer to the next continuation of the control run. */
const gaps = (control: readonly ControlExchange[]): number[] =>
  control.flatMap(({ operation, answeredAt, answer }, index) => {
    if (operation !== 'post-request' || member(answer, 'interact') === undefined) return [];
    const next = control.slice(index + 1).find((each) => each.operation === 'post-continue');
    return next ? [next.receivedAt - answeredAt] : [];
  });

export const grantTraps = {
  ...shapeTraps,

  P10: {
    needs: [...needs, 'start-interaction'],
    suits: (control) => gaps(control).some((gap) => gap <= 2900),
    set({ facts, now }) {
      const grants = createOpenGrants();
      const answeredAt = new Map<OpenGrant, number>();
      return {
        async answer(call, next) {
          const continued = isContinuation(call) ? grants.ofContinuation(call) : undefined;
          const since = continued && answeredAt.get(continued);
          if (since !== undefined && now() - since < 3000 - TOLERANCE_MS) {
            facts.forbid(call, `The client continued after ${Math.round(now() - since)} ms.`);
          }
          const answer = await next();
          const opened = grants.note(call, answer);
          if (opened?.isInteractive) {
            facts.arm();
            return whenDelivered(withBody(answer, withWait(successOf(answer)!, 3)), () =>
              answeredAt.set(opened, now()),
            );
          }
          const visited = call.operation === 'start-interaction' ? grants.ofInteraction(call) : undefined;
          return visited ? poisoned(facts, call, answer) : answer;
        },
      };
    },
  },

  P11: {
    needs,
    set({ facts, now }) {
      // Other grants go on meanwhile.
      let pending: { readonly at: number; readonly target: string } | undefined;
      let isShown = false;
      const hold = holdFirst((held, call, answer) =>
        poisoned(
          facts,
          call,
          whenDelivered(withBody(answer, { continue: withWait(held, undefined)['continue'] }), () => {
            pending ??= { at: now(), target: call.exchange.rawTarget };
          }),
        ),
      );
      return {
        async answer(call, next) {
          if (isContinuation(call) && pending?.target === call.exchange.rawTarget && !isShown) {
            isShown = true;
            const waited = now() - pending.at;
            const detail = `The client continued ${Math.round(waited)} ms after a pending answer.`;
            if (waited < 1000) facts.forbid(call, detail);
            else if (waited < 5000 - TOLERANCE_MS) facts.warn(call, detail);
            facts.require(call);
          }
          const answer = isContinuation(call) ? await hold(call, next) : await next();
          const body = successOf(answer);
          if (!body || member(body, 'continue') === undefined) return answer;
          facts.arm();
          return withBody(answer, withWait(body, undefined));
        },
      };
    },
  },

  P12: {
    needs,
    stopWarns: true,
    set({ facts, now }) {
      const aliases = createAliases();
      let refusedAt: number | undefined;
      let early = 0;
      let intercepted: string | undefined;
      return {
        resolve: aliases.resolve,
        async answer(call, next) {
          if (call.operation === 'post-request') facts.arm();
          if (!isContinuation(call)) return next();
          const id = `${call.ase} ${call.params['id']}`;
          if (intercepted === undefined && call.token !== undefined) {
            intercepted = id;
            const value = aliases.give(call.token, () => ids.token());
            const refusal = {
              status: 400,
              body: {
                error: { code: 'too_fast', description: 'wait before continuing again' },
                continue: { access_token: { value }, uri: call.exchange.targetUri, wait: 2 },
              },
            };
            return poisoned(
              facts,
              call,
              whenDelivered(refusal, () => {
                refusedAt = now();
              }),
            );
          }
          if (id !== intercepted || refusedAt === undefined) return next();
          const waited = now() - refusedAt;
          if (waited < 1000) early += 1;
          if (early > 1) facts.forbid(call, 'The client continued more than once within a second.');
          if (waited >= 2000 - TOLERANCE_MS && call.token !== undefined && aliases.isAlias(call.token)) {
            facts.require(call);
          }
          return next();
        },
      };
    },
  },

  P13: {
    needs,
    suits: (control) =>
      control.some(({ operation, body }) => operation === 'post-continue' && interactRefOf({ body }) !== undefined),
    set({ facts }) {
      const grants = createOpenGrants();
      const pending = new Set<string>();
      const hold = holdFirst((held, call, answer) => {
        const reference = interactRefOf(call);
        if (reference === undefined) return answer;
        return poisoned(
          facts,
          call,
          whenDelivered(withBody(answer, { continue: withWait(held, 1)['continue'] }), () => pending.add(reference)),
        );
      });
      return {
        async answer(call, next) {
          if (isContinuation(call)) {
            const reference = interactRefOf(call);
            if (reference !== undefined && pending.has(reference)) {
              facts.forbid(call, 'The client sent the same reference again.');
              return next();
            }
            return hold(call, next);
          }
          const answer = await next();
          grants.note(call, answer);
          return grants.finishOf(call, answer) ? whenDelivered(answer, () => facts.arm()) : answer;
        },
      };
    },
  },

  P14: {
    needs,
    suits: polls,
    set({ facts, ases }) {
      const aliases = createAliases();
      const grants = createOpenGrants();
      let tokens: string[] = [];
      let uris: string[] = [];
      let polled: OpenGrant | undefined;
      return {
        resolve: aliases.resolve,
        route: aliases.resolve,
        async answer(call, next) {
          const grant = grants.ofContinuation(call);
          if (!isContinuation(call) || !grant || grant.finish || (polled && polled !== grant)) {
            const answer = await next();
            if (grants.note(call, answer) && !grants.ofContinuation(call)?.finish) facts.arm();
            return answer;
          }
          polled = grant;
          const real = {
            token: aliases.resolve(call.token ?? '') ?? call.token ?? '',
            uri: `${ases.find(({ name }) => name === call.ase)!.authServer}continue/${grant.continueId}`,
          };
          if (tokens.length === 0) [tokens, uris] = [[call.token ?? ''], [call.exchange.targetUri]];
          const isNewest = call.token === tokens.at(-1) && call.exchange.targetUri === uris.at(-1);
          if (!isNewest) {
            facts.reach(call);
            facts.forbid(call, 'The client used a continuation token or URI that a later answer had replaced.');
            return errorReply(401, 'invalid_continuation', 'unknown grant, or its continuation token is another one');
          }
          if (tokens.length > 2) {
            facts.require(call);
            return next();
          }
          const number = tokens.length;
          const value = ids.token();
          const uri = `${real.uri}/${number}`;
          aliases.add(value, real.token);
          aliases.add(uri, real.uri);
          tokens.push(value);
          uris.push(uri);
          const pending = { status: 200, body: { continue: { access_token: { value }, uri, wait: 0 } } };
          return number === 2 ? poisoned(facts, call, pending) : pending;
        },
      };
    },
  },

  P15: {
    needs,
    suits: polls,
    set({ facts }) {
      const grants = createOpenGrants();
      let denied: OpenGrant | undefined;
      return {
        async answer(call, next) {
          const grant = grants.ofContinuation(call);
          if (!isContinuation(call) || !grant || grant.finish) {
            const answer = await next();
            const opened = grants.note(call, answer);
            if (opened && !opened.finish) facts.arm();
            return answer;
          }
          const denial = errorReply(401, 'request_denied', 'the request is denied');
          if (denied === grant) {
            facts.forbid(call, 'The client continued a grant that was denied for good.');
            return denial;
          }
          denied ??= grant;
          return denied === grant ? poisoned(facts, call, denial) : next();
        },
      };
    },
  },

  P20: {
    needs: [...needs, 'create-quote', 'create-outgoing-payment'],
    suits: (control) =>
      control.some(({ body }) =>
        accessOf(body).some(({ type, limits }) => type === 'outgoing-payment' && text(limits, 'debitAmount', 'value')),
      ),
    set: narrowGrant,
  },
} satisfies Record<string, Trap>;
