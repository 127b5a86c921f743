/** Traps of the interaction and its end: hashes, references and callbacks. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import { createIds } from '../../ids.ts';
import { createOpenGrants, type Finish, hashOf, type OpenGrant } from './open-grants.ts';
import type { ControlExchange, Trap, TrapContext } from './trap.ts';
import { interactRefOf, member, poisoned, whenDelivered } from './wire.ts';

const ids = createIds(undefined, 'traps');

const needs = ['post-request', 'start-interaction', 'post-continue'];

/** A grant of the control run was requested with a finish URI, and continued with a reference. */
const continuesWithReference = (control: readonly ControlExchange[]): boolean =>
  control.some(({ operation, body }) => operation === 'post-request' && hasFinish(body)) &&
  control.some(({ operation, body }) => operation === 'post-continue' && interactRefOf({ body }) !== undefined);

const hasFinish = (body: unknown): boolean => member(body, 'interact', 'finish') !== undefined;

type Forgery = Readonly<Record<string, string>>;

/** Replaces every finish redirect. The reference in it must not be used. */
function forgeFinish(context: TrapContext, forge: (finish: Finish) => Forgery): Interceptor {
  const { facts } = context;
  const grants = createOpenGrants();
  const references = new Set<string>();
  return {
    async answer(call, next) {
      const reference = interactRefOf(call);
      if (call.operation === 'post-continue' && reference !== undefined && references.has(reference)) {
        facts.forbid(call, 'The client continued with the reference of the redirect.');
      }
      const answer = await next();
      if (grants.note(call, answer)?.finish) facts.arm();
      const finish = grants.finishOf(call, answer);
      if (!finish) return answer;
      const forged = forge(finish);
      references.add(forged['interact_ref']!);
      return poisoned(facts, call, finish.redirect(forged));
    },
  };
}

/** A text of the same length and alphabet that differs in its first character. */
const differently = (hash: string): string => (hash.startsWith('A') ? 'B' : 'A') + hash.slice(1);

const rejected = { result: 'grant_rejected' };

export const interactionTraps = {
  P01: {
    needs,
    suits: continuesWithReference,
    set: (context) =>
      forgeFinish(context, ({ hash, interactRef }) => ({ hash: differently(hash), interact_ref: interactRef })),
  },

  P02: {
    rounds: ['no hash', 'an empty hash'],
    needs,
    suits: continuesWithReference,
    set: (context) =>
      forgeFinish(context, ({ interactRef }) => ({
        ...(context.round === 1 && { hash: '' }),
        interact_ref: interactRef,
      })),
  },

  // A grant of another party, with other nonces on both sides.
  P03: {
    needs,
    suits: continuesWithReference,
    set: (context) =>
      forgeFinish(context, ({ grant }) => {
        const nonce = () => ids.token();
        const foreign: OpenGrant = {
          ...grant,
          finish: { ...grant.finish!, clientNonce: nonce(), serverNonce: nonce() },
        };
        const interactRef = ids.uuid();
        const endpoint = endpointOf(context, grant);
        return {
          hash: hashOf({ grant: foreign, interactRef }, endpoint, context.hashEncoding),
          interact_ref: interactRef,
        };
      }),
  },

  P04: {
    needs,
    suits: continuesWithReference,
    set: (context) =>
      forgeFinish(context, (finish) => ({
        hash: hashOf(finish, foreignEndpoint(context, finish.grant), context.hashEncoding),
        interact_ref: finish.interactRef,
      })),
  },

  P05: {
    needs,
    suits: continuesWithReference,
    after: () => 'P01',
    set(context) {
      const { facts } = context;
      const grants = createOpenGrants();
      const references = new Set<string>();
      return {
        async answer(call, next) {
          const reference = interactRefOf(call);
          if (call.operation === 'post-continue' && reference !== undefined && references.has(reference)) {
            facts.require(call);
          }
          const answer = await next();
          if (grants.note(call, answer)?.finish) facts.arm();
          const finish = grants.finishOf(call, answer);
          if (!finish) return answer;
          const { interactRef } = finish;
          references.add(interactRef);
          const hash = hashOf(finish, endpointOf(context, finish.grant), 'base64url');
          return poisoned(facts, call, finish.redirect({ hash, interact_ref: interactRef }));
        },
      };
    },
  },

  P06: {
    needs,
    suits: continuesWithReference,
    set({ facts, sleep }) {
      const grants = createOpenGrants();
      const unfinished = new Set<OpenGrant>();
      return {
        async answer(call, next) {
          const continued = grants.ofContinuation(call);
          if (call.operation === 'post-continue' && continued && unfinished.has(continued)) {
            // It has what it must react to, even if the person was not sent off yet.
            facts.reach(call);
            facts.forbid(call, 'The client continued before it had the reference.');
          }
          const visited = call.operation === 'start-interaction' ? grants.ofInteraction(call) : undefined;
          if (visited && unfinished.has(visited)) {
            facts.reach(call);
            await sleep(4000);
          }
          const answer = await next();
          const opened = grants.note(call, answer);
          if (opened?.finish) {
            facts.arm();
            unfinished.add(opened);
          }
          const finish = grants.finishOf(call, answer);
          if (finish) unfinished.delete(finish.grant);
          return answer;
        },
      };
    },
  },

  P07: {
    needs,
    suits: continuesWithReference,
    set({ facts }) {
      const grants = createOpenGrants();
      const ended = new Set<OpenGrant>();
      return {
        async answer(call, next) {
          const continued = grants.ofContinuation(call);
          if (call.operation === 'post-continue' && continued && ended.has(continued)) {
            facts.forbid(call, 'The client continued a grant that the person has rejected.');
          }
          const answer = await next();
          if (grants.note(call, answer)?.finish) facts.arm();
          const finish = grants.finishOf(call, answer);
          if (!finish) return answer;
          ended.add(finish.grant);
          return poisoned(facts, call, finish.redirect(rejected));
        },
      };
    },
  },

  P08: {
    needs,
    suits: continuesWithReference,
    set({ facts, sleep, visit, track }) {
      const grants = createOpenGrants();
      const used = new Map<string, number>();
      let delivered: string | undefined;
      return {
        async answer(call, next) {
          const reference = interactRefOf(call);
          if (call.operation === 'post-continue' && reference !== undefined && used.has(reference)) {
            const times = used.get(reference)! + 1;
            used.set(reference, times);
            if (times === 2) facts.forbid(call, 'The client continued a second time with the same reference.');
          }
          const answer = await next();
          if (grants.note(call, answer)?.finish) facts.arm();
          const finish = grants.finishOf(call, answer);
          if (!finish || delivered !== undefined) return answer;
          delivered = finish.interactRef;
          used.set(delivered, 0);
          const { hash, interactRef } = finish;
          const redirect = finish.redirect({ hash, interact_ref: interactRef });
          const location = typeof redirect === 'string' ? '' : redirect.headers!['Location']!;
          const repeat = async () => {
            await sleep(1000);
            // A closed port is an answer as well: the client does not listen any more.
            await visit(location);
            facts.reach(call);
          };
          return whenDelivered(answer, () => track(repeat()));
        },
      };
    },
  },

  P09: {
    needs,
    suits: continuesWithReference,
    stopWarns: true,
    set({ facts, visit, track }) {
      const grants = createOpenGrants();
      const invented = ids.uuid();
      const known = new Set<string>();
      const visited = new Set<OpenGrant>();
      const callUnasked = async (call: InterceptedCall, { grant, uri }: { grant: OpenGrant; uri: string }) => {
        const query = new URLSearchParams({ hash: ids.token(), interact_ref: invented });
        if (!(await visit(`${uri}${uri.includes('?') ? '&' : '?'}${query}`))) {
          facts.miss('No program on this machine answered at `finish.uri`.');
          return;
        }
        visited.add(grant);
        facts.reach(call);
      };
      return {
        async answer(call, next) {
          const reference = interactRefOf(call);
          if (call.operation === 'post-continue' && reference === invented) {
            facts.forbid(call, 'The client continued with a reference that did not come from the server.');
          }
          if (call.operation === 'post-continue' && known.has(reference ?? '')) facts.require(call);
          // Its listener can be slow to start, but not slower than the browser.
          const started = call.operation === 'start-interaction' ? grants.ofInteraction(call) : undefined;
          if (started?.finish && !visited.has(started)) {
            await callUnasked(call, { grant: started, uri: started.finish.uri });
          }
          const answer = await next();
          const finish = grants.finishOf(call, answer);
          if (finish) known.add(finish.interactRef);
          const opened = grants.note(call, answer);
          if (!opened?.finish) return answer;
          facts.arm();
          const { uri } = opened.finish;
          return whenDelivered(answer, () => track(callUnasked(call, { grant: opened, uri })));
        },
      };
    },
  },
} satisfies Record<string, Trap>;

const endpointOf = ({ ases }: TrapContext, { ase }: OpenGrant): string =>
  ases.find(({ name }) => name === ase)!.authServer;

/** Grant endpoint of another provider, with the trailing slash that each has. */
const foreignEndpoint = ({ ases }: TrapContext, { ase }: OpenGrant): string =>
  ases.find(({ name }) => name !== ase)!.authServer;
