/** Traps of URLs with lawful but unusual shapes. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { Answer } from '../../http/reply.ts';
import { createOpenGrants, hashOf } from './open-grants.ts';
import type { Trap, TrapAse } from './trap.ts';
import { createAliases, isReply, isResource, mapTexts, poisoned, withBody } from './wire.ts';

const RESOURCE = /\/(?:incoming-payments|quotes|outgoing-payments)\/[\w-]+$/;
const RESOURCE_QUERY = '?g=1';

/** Segments of paths below which the servers of a provider usually are. */
const SERVER_PATH = /^\/+(?:auth|continue|token|incoming-payments|quotes|outgoing-payments)(?:\/|$)/;

const origin = (url: string): string => new URL(url).origin;

/** Equal for URIs that RFC 3986 §6.2.2 and §6.2.3 take for the same. */
const normalized = (url: string): string => URL.parse(url)?.href ?? url;

const isPartOf = (url: string, base: string): boolean => normalized(url).startsWith(normalized(base));

export const shapeTraps = {
  P16: {
    needs: ['post-request', 'post-continue'],
    set({ ases, facts }) {
      const aliases = createAliases();
      facts.arm();
      const rename = (uri: string): string => {
        const ase = ases.find(({ authServer }) => uri.startsWith(authServer));
        if (ase && uri.startsWith(`${ase.authServer}continue/`)) {
          return aliases.give(uri, (number) => `${origin(ase.authServer)}/tx/${number}?g=1`);
        }
        if (ase && uri.startsWith(`${ase.authServer}token/`)) {
          return aliases.give(uri, (number) => `${origin(ase.authServer)}/m/${number}?k=2`);
        }
        const isId = ases.some(({ resourceServer }) => uri.startsWith(resourceServer)) && RESOURCE.test(uri);
        return isId ? uri + RESOURCE_QUERY : uri;
      };
      /** The id, or the path of its completion, however the client put the query into it. */
      const withoutQuery = (uri: string): string | undefined => {
        const bare = uri.replace(/\?g=1(?=\/complete$|$)/, '');
        return bare !== uri && RESOURCE.test(bare.replace(/\/complete$/, '')) ? bare : undefined;
      };
      const judge = (call: InterceptedCall): void => {
        const { operation, exchange } = call;
        const hasAlias = ['post-continue', 'delete-continue', 'post-token', 'delete-token'].includes(operation);
        if (hasAlias && !aliases.isAlias(exchange.targetUri)) facts.forbid(call, 'The client made up the URI.');
        else if (hasAlias) facts.require(call);
        const isRead = ['get-incoming-payment', 'get-quote', 'get-outgoing-payment'].includes(operation);
        if (!isRead) return;
        if (exchange.targetUri.endsWith(RESOURCE_QUERY)) facts.require(call);
        else facts.forbid(call, 'The client changed the id of a resource.');
      };
      return {
        resolve: (name) => aliases.resolve(name) ?? withoutQuery(name),
        route(url) {
          const real = aliases.resolve(url) ?? withoutQuery(url);
          const isVariant = /^\/+(tx|m)(\/|$)/.test(new URL(url).pathname);
          if (real === undefined && isVariant) facts.forbid(undefined, 'The client changed a URI that it was given.');
          return real;
        },
        async answer(call, next) {
          judge(call);
          const answer = await next();
          const body = isReply(answer) ? mapTexts(answer.body, rename) : undefined;
          if (!isReply(answer) || JSON.stringify(body) === JSON.stringify(answer.body)) return answer;
          return poisoned(facts, call, withBody(answer, body));
        },
      };
    },
  },

  P17: {
    needs: ['get-wallet-address', 'post-request'],
    set({ ases, facts, hashEncoding }) {
      const grants = createOpenGrants();
      facts.arm();
      const endpointOf = ({ authServer, name }: TrapAse) => `${origin(authServer)}/gnap/grants?tenant=${name}`;
      const rename = (uri: string): string => {
        const ase = ases.find(({ authServer }) => authServer === uri);
        return ase ? endpointOf(ase) : uri;
      };
      return {
        route(url) {
          const ase = ases.find((each) => normalized(url) === normalized(endpointOf(each)));
          const isVariant = ases.some((each) => isPartOf(url, `${origin(each.authServer)}/gnap`));
          if (!ase && isVariant) facts.forbid(undefined, 'The client changed the grant endpoint.');
          return ase?.authServer;
        },
        async answer(call, next) {
          const ase = ases.find(({ name }) => name === call.ase)!;
          if (call.operation === 'post-request') {
            if (normalized(call.exchange.targetUri) === normalized(endpointOf(ase))) facts.require(call);
            else facts.forbid(call, 'The client asked for a grant at another URI.');
          }
          const answer = await next();
          grants.note(call, answer);
          const finish = grants.finishOf(call, answer);
          if (finish) {
            const { interactRef } = finish;
            return finish.redirect({ hash: hashOf(finish, endpointOf(ase), hashEncoding), interact_ref: interactRef });
          }
          if (!isReply(answer)) return answer;
          const renamed: Answer = withBody(answer, mapTexts(answer.body, rename));
          return call.operation === 'get-wallet-address' ? poisoned(facts, call, renamed) : renamed;
        },
      };
    },
  },

  P18: {
    needs: ['get-wallet-address', 'post-request'],
    changes: () => ({ apart: true }),
    set({ ases, facts }) {
      facts.arm();
      return {
        route(url, { method }) {
          const { origin: called, pathname } = new URL(url);
          const isWalletServer = ases.some(({ walletAddressServer }) => called === origin(walletAddressServer));
          if (isWalletServer && (method !== 'GET' || SERVER_PATH.test(pathname))) {
            facts.forbid(undefined, 'The client called a server at the origin of the wallet address.');
          }
          return undefined;
        },
        async answer(call, next) {
          if (call.operation === 'post-request') facts.require(call);
          const answer = await next();
          return call.operation === 'get-wallet-address' ? poisoned(facts, call, answer) : answer;
        },
      };
    },
  },

  P19: {
    needs: ['get-wallet-address'],
    suits: (control) => control.some(isResource),
    set({ ases, facts }) {
      facts.arm();
      const rename = (uri: string): string =>
        ases.some(({ resourceServer }) => resourceServer === uri) ? `${uri}/` : uri;
      return {
        route(url) {
          if (new URL(url).pathname.includes('//'))
            facts.forbid(undefined, 'The client called a path with two slashes.');
          return undefined;
        },
        async answer(call, next) {
          if (isResource(call)) facts.require(call);
          const answer = await next();
          if (call.operation !== 'get-wallet-address' || !isReply(answer)) return answer;
          const { resourceServer } = (answer.body ?? {}) as { resourceServer?: string };
          const body = { ...(answer.body as object), resourceServer: rename(resourceServer ?? '') };
          return poisoned(facts, call, withBody(answer, body));
        },
      };
    },
  },
} satisfies Record<string, Trap>;
