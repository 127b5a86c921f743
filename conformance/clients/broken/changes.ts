/** Changes to the good client, and ways to write them briefly. */
import type { Client, Continuation, Token } from '../client.ts';
import type { Request } from '../message-client.ts';
import type { Steps } from '../pay.ts';
import type { Message } from '../signing.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies as JSON
type Json = any;

export type Change = (client: Client, steps: Steps) => void;

export const without =
  (...names: readonly string[]): Change =>
  ({ signing }) => {
    const { components } = signing;
    signing.components = (message) => components(message).filter((name) => !names.includes(name));
  };

export const changeParameters =
  (change: (parameters: [string, string][], client: Client) => [string, string][]): Change =>
  (client) => {
    const { signing } = client;
    const parameters = signing.parameters.bind(signing);
    signing.parameters = (key) => change(parameters(key), client);
  };

export const setParameter = (name: string, value: string): Change =>
  changeParameters((parameters) => [...parameters.filter(([each]) => each !== name), [name, value]]);

export const changeGrant =
  (change: (body: Json, client: Client) => Json): Change =>
  (client) => {
    client.grantBody = (body) => change(body, client);
  };

/** Changes a body that the application makes. */
export const changeBody =
  (
    step: 'incomingBody' | 'quoteBody' | 'paymentBody' | 'limits',
    change: (body: Json, ...args: Json[]) => Json,
  ): Change =>
  (_client, steps) => {
    const make = steps[step].bind(steps) as (...args: Json[]) => Json;
    (steps as Record<string, unknown>)[step] = (...args: Json[]) => change(make(...args), ...args);
  };

export const changeRequests =
  (change: (request: Request) => Request): Change =>
  (client) => {
    const send = client.send.bind(client);
    client.send = (request) => send(change(request));
  };

/** The value of the latest token of any grant. */
export function followTokens(client: Client): () => Token | undefined {
  let latest: Token | undefined;
  const toToken = client.toToken.bind(client);
  client.toToken = (...args) => {
    const token = toToken(...args);
    latest = token ?? latest;
    return token;
  };
  return () => latest;
}

/** Replaces the way to a reference, from the grant request to the callback. */
export const changeInteraction =
  (
    change: (
      start: () => Promise<{
        grant: Json;
        pending: Continuation;
        query: Promise<URLSearchParams>;
        visit: () => Promise<void>;
      }>,
      client: Client,
      authServer: string,
    ) => Promise<{ pending: Continuation; reference: string }>,
  ): Change =>
  (client) => {
    client.interact = (authServer, access) =>
      change(
        async () => {
          const callback = client.server.openCallback(client.finishUri());
          const finish = { method: 'redirect', uri: callback.uri, nonce: client.nonce() };
          const grant = await client.requestGrant(authServer, access, { start: ['redirect'], finish });
          const pending = client.toContinuation(authServer, grant)!;
          return { grant, pending, query: callback.next(), visit: () => client.visit(grant.interact.redirect) };
        },
        client,
        authServer,
      );
  };

export const appendSlash = (url: string): string => url.replace(/\/?$/, '/');
export const isJson = (message: Message): boolean => message.body.length > 0;

/** Follows redirects of requests for which `isFollowed`, with all their headers. */
export function followRedirects(client: Client, isFollowed: (request: Request) => boolean, most = 5): void {
  const send = client.send.bind(client);
  client.send = async (request) => {
    let answer = await send(request);
    for (let hop = 0; hop < most && answer.status >= 300 && answer.status < 400 && isFollowed(request); hop += 1) {
      const url = new URL(answer.headers.get('location') ?? '', request.url).href;
      answer = await client.transport.send({ ...client.compose(request), url });
    }
    return answer;
  };
}
