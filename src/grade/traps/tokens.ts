/** Traps of the life of access tokens. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import type { Answer, DeliveredReply } from '../../http/reply.ts';
import type { ControlExchange, Trap, TrapContext } from './trap.ts';
import {
  accessOf,
  createAliases,
  errorReply,
  isResource,
  type Json,
  poisoned,
  requestKey,
  successOf,
  text,
  tokenOfRequest,
  whenDelivered,
  withBody,
} from './wire.ts';

const usesTokens = (control: readonly ControlExchange[]): boolean =>
  control.some((exchange) => isResource(exchange) && tokenOfRequest(exchange) !== undefined);

/** The answer of a resource server to a token that it does not accept. */
const rejection = ({ ases }: TrapContext, { ase }: InterceptedCall, description = 'Invalid Token'): DeliveredReply => {
  const { authServer } = ases.find(({ name }) => name === ase)!;
  return errorReply(401, 'invalid_token', description, { 'WWW-Authenticate': `GNAP as_uri=${authServer}` });
};

/** The operation on a resource, whatever the content is. */
const targetOf = ({ operation, exchange }: InterceptedCall): string => `${operation} ${exchange.targetUri}`;

const isRotation = ({ operation }: InterceptedCall): boolean => operation === 'post-token';

const issuedBy = (answer: Answer) => {
  const body = successOf(answer);
  const value = text(body, 'access_token', 'value');
  return body && value !== undefined ? { body, value, manage: text(body, 'access_token', 'manage') } : undefined;
};

/** The types of rights whose token the control run used more than once. */
function typesUsedTwice(control: readonly ControlExchange[]): ReadonlySet<unknown> {
  const uses = Map.groupBy(control.filter(isResource), tokenOfRequest);
  const issued = control.filter(({ answer }) => (uses.get(text(answer, 'access_token', 'value'))?.length ?? 0) > 1);
  return new Set(issued.flatMap(({ answer }) => accessOf(answer).map(({ type }) => type)));
}

/** One request with a token is rejected as expired, in these words. */
const expireOnce = (context: TrapContext, description?: string): Interceptor => {
  const { facts } = context;
  let rejected: { readonly operation: string; readonly token: string } | undefined;
  return {
    async answer(call, next) {
      if (!isResource(call) || call.token === undefined) {
        const answer = await next();
        if (issuedBy(answer)) facts.arm();
        return answer;
      }
      if (rejected === undefined) {
        rejected = { operation: targetOf(call), token: call.token };
        return poisoned(facts, call, rejection(context, call, description));
      }
      if (targetOf(call) === rejected.operation) {
        if (call.token === rejected.token) facts.forbid(call, 'The client used the same token for the same operation.');
        else facts.require(call);
      }
      return call.token === rejected.token ? rejection(context, call, description) : next();
    },
  };
};

export const tokenTraps = {
  P21: {
    needs: ['post-request'],
    suits: (control) => typesUsedTwice(control).size > 0,
    set(context) {
      const { facts, control, now, sleep } = context;
      const types = typesUsedTwice(control);
      const tokens = new Map<string, { issuedAt?: number; isHeld: boolean; late: number }>();
      return {
        async answer(call, next) {
          const token = isResource(call) ? tokens.get(call.token ?? '') : undefined;
          if (token?.isHeld && token.issuedAt !== undefined && now() - token.issuedAt > 3000) {
            token.late += 1;
            const detail = `The client used a token ${Math.round(now() - token.issuedAt)} ms after its issue.`;
            if (token.late === 1) facts.warn(call, detail);
            else facts.forbid(call, detail);
            return rejection(context, call);
          }
          const answer = await next();
          if (token && !token.isHeld) {
            token.isHeld = true;
            await sleep(3500);
            return poisoned(facts, call, answer);
          }
          const issued = issuedBy(answer);
          const isJudged = types.size === 0 || accessOf(issued?.body).some(({ type }) => types.has(type));
          if (!issued || !isJudged) return answer;
          facts.arm();
          const access_token = { ...(issued.body['access_token'] as Json), expires_in: 2 };
          return whenDelivered(withBody(answer, { ...issued.body, access_token }), () =>
            // One delay for each grant: a client that rotates in time would otherwise be held up at each step.
            tokens.set(issued.value, { issuedAt: now(), isHeld: isRotation(call), late: 0 }),
          );
        },
      };
    },
  },

  P22: { needs: ['post-request'], suits: usesTokens, stopWarns: true, set: (context) => expireOnce(context) },

  P23: {
    needs: ['post-request'],
    suits: usesTokens,
    after: () => 'P22',
    set: (context) => expireOnce(context, 'token no longer usable'),
  },

  P24: {
    needs: ['post-request'],
    suits: usesTokens,
    set(context) {
      const { facts } = context;
      const rejected = new Map<string, number>();
      const origins = new Map<string, string>();
      const rotations = new Map<string, number>();
      return {
        async answer(call, next) {
          if (isResource(call) && call.token !== undefined) {
            const key = requestKey(call);
            const times = (rejected.get(key) ?? 0) + 1;
            rejected.set(key, times);
            if (times === 6) facts.forbid(call, 'The client sent a rejected request for the sixth time.');
            const answer = rejection(context, call);
            if (origins.has(call.token)) return poisoned(facts, call, answer);
            facts.miss('The client did not rotate its token after the first refusal.');
            return answer;
          }
          const answer = await next();
          const issued = issuedBy(answer);
          if (issued) facts.arm();
          if (!issued || !isRotation(call)) return answer;
          const origin = origins.get(call.token ?? '') ?? call.token ?? '';
          origins.set(issued.value, origin);
          const times = (rotations.get(origin) ?? 0) + 1;
          rotations.set(origin, times);
          if (times === 4) facts.forbid(call, 'The client rotated for the fourth time.');
          return answer;
        },
      };
    },
  },

  P25: {
    needs: ['post-token'],
    suits: (control) =>
      control.filter(({ operation }) => operation === 'post-token' || operation === 'delete-token').length > 1,
    set({ facts, ases }) {
      const aliases = createAliases();
      const earlier = new Set<string>();
      return {
        resolve: aliases.resolve,
        route: aliases.resolve,
        async answer(call, next) {
          const isManagement = isRotation(call) || call.operation === 'delete-token';
          const uri = call.exchange.targetUri;
          if (isManagement && aliases.isAlias(uri) && !earlier.has(uri)) facts.require(call);
          else if (isManagement && earlier.has(uri)) facts.forbid(call, 'The client called an earlier manage URI.');
          const answer = await next();
          const issued = issuedBy(answer);
          if (!issued?.manage) return answer;
          facts.arm();
          if (!isRotation(call)) return answer;
          earlier.add(uri);
          const { authServer } = ases.find(({ name }) => name === call.ase)!;
          const manage = aliases.give(issued.manage, (number) => `${new URL(authServer).origin}/manage/${number}/it`);
          const access_token = { ...(issued.body['access_token'] as Json), manage };
          return poisoned(facts, call, withBody(answer, { ...issued.body, access_token }));
        },
      };
    },
  },

  P26: {
    needs: ['post-token'],
    set({ facts }) {
      const attempts = new Map<string, number>();
      return {
        async answer(call, next) {
          if (!isRotation(call)) {
            const answer = await next();
            if (issuedBy(answer)) facts.arm();
            return answer;
          }
          const times = (attempts.get(call.exchange.targetUri) ?? 0) + 1;
          attempts.set(call.exchange.targetUri, times);
          if (times === 4) facts.forbid(call, 'The client tried to rotate the same token for the fourth time.');
          return poisoned(facts, call, errorReply(400, 'invalid_rotation', 'the token cannot be rotated'));
        },
      };
    },
  },

  P27: {
    needs: ['post-token'],
    suits: usesTokens,
    set({ facts }) {
      const held = new Map<string, Answer>();
      const old = new Map<string, number>();
      return {
        async answer(call, next) {
          const uses = isResource(call) ? old.get(call.token ?? '') : undefined;
          if (uses !== undefined) {
            old.set(call.token!, uses + 1);
            if (uses === 1) facts.forbid(call, 'The client used the old token for a second time.');
          }
          const answer = await next();
          if (!isRotation(call)) {
            if (issuedBy(answer)) facts.arm();
            return answer;
          }
          const uri = call.exchange.targetUri;
          if (!issuedBy(answer)) return held.get(uri) ?? answer;
          held.set(uri, answer);
          old.set(call.token ?? '', 0);
          facts.reach(call);
          return 'reset';
        },
      };
    },
  },

  P28: {
    needs: ['post-request'],
    suits: usesTokens,
    set({ facts }) {
      let forbidden: string | undefined;
      let times = 0;
      return {
        async answer(call, next) {
          if (forbidden !== undefined && isRotation(call)) facts.warn(call, 'The client rotated a token after a 403.');
          if (!isResource(call) || call.token === undefined) return next();
          facts.arm();
          forbidden ??= requestKey(call);
          if (requestKey(call) !== forbidden) return next();
          times += 1;
          if (times > (call.exchange.method === 'GET' ? 10 : 3)) {
            facts.forbid(call, `The client repeated a forbidden operation for the ${times}th time.`);
          }
          return poisoned(facts, call, errorReply(403, 'insufficient_grant', 'Insufficient Grant'));
        },
      };
    },
  },

  P29: {
    needs: ['post-request'],
    suits: usesTokens,
    set({ facts, ases, sender }) {
      const home = ases.find(({ walletAddressServer }) => sender.startsWith(`${walletAddressServer}/`))!;
      const foreign = ases.find(({ name }) => name !== home.name)!;
      const rejected = new Set<string>();
      facts.arm();
      const challenge = `Basic realm="wallet", GNAP as_uri="${foreign.authServer}", referrer="${foreign.resourceServer}"`;
      return {
        async answer(call, next) {
          const namesSender = accessOf(call.body).some(({ identifier }) => identifier === sender);
          if (rejected.size > 0 && call.operation === 'post-request' && call.ase === foreign.name && namesSender) {
            facts.forbid(call, 'The client asked another provider for a grant to the wallet of the sender.');
          }
          if (!isResource(call) || call.ase !== home.name || call.token === undefined) return next();
          if (rejected.has(call.token)) return next();
          rejected.add(call.token);
          return poisoned(
            facts,
            call,
            errorReply(401, 'invalid_token', 'Invalid Token', { 'WWW-Authenticate': challenge }),
          );
        },
      };
    },
  },
} satisfies Record<string, Trap>;
