/** Clients with mistakes in the use of access tokens. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, Token } from '../client.ts';
import { Stop } from '../message-client.ts';
import { type Change, followTokens } from './changes.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies as JSON
type Json = any;

export const tokenChanges = {
  'CL-TOK-01': (client) => {
    client.authorization = (token) => `Bearer ${token}`;
  },
  'CL-TOK-02': (client) => {
    const read = client.read.bind(client);
    client.read = (token, url) => read(token, `${url}${url.includes('?') ? '&' : '?'}access_token=${token.value}`);
  },
  'CL-TOK-03': (client) => {
    const read = client.read.bind(client);
    client.read = (token, url) => read({ ...token, value: token.continuation?.token ?? token.value }, url);
  },
  'CL-TOK-04': (client) => {
    const latest = followTokens(client);
    const authorized = client.authorized.bind(client);
    client.authorized = (token, request) =>
      authorized({ ...(latest() ?? token), authServer: token.authServer }, request);
  },
  'CL-TOK-05': (client) => {
    client.isExpired = () => false;
  },
  'CL-TOK-06': retryWhen(
    (answer) => answer.status === 401,
    async () => {},
    2,
  ),
  'CL-TOK-07': retryWhen(
    (answer) => answer.json?.error?.description === 'Invalid Token',
    (client, token) => client.rotate(token),
    1,
  ),
  'CL-TOK-08': retryWhen(
    (answer) => answer.status === 401,
    (client, token) => client.rotate(token),
    20,
  ),
  'CL-TOK-09': (client) => {
    const { rotation } = client;
    client.rotation = (token) => ({ ...rotation(token), token: token.continuation?.token ?? 'none' });
  },
  'CL-TOK-10': changeRotation(({ manage, expiresAt }) => ({ manage, expiresAt })),
  'CL-TOK-11': changeRotation(({ value, expiresAt }) => ({ value, expiresAt })),
  'CL-TOK-12': (client) => {
    const rotate = client.rotate.bind(client);
    client.rotate = async (token) => {
      for (let tries = 0; tries < 8; tries += 1) {
        const isDone = await rotate(token).then(
          () => true,
          () => false,
        );
        if (isDone) return;
      }
      throw new Stop('the rotation is refused');
    };
  },
  'CL-TOK-13': (client) => {
    const rotate = client.rotate.bind(client);
    client.rotate = (token) => rotate(token).catch(() => {});
    const list = client.list.bind(client);
    client.list = async (...args) => {
      const first = await list(...args).catch(() => undefined);
      return first ?? list(...args);
    };
  },
  'CL-TOK-14': (client, steps) => {
    steps.cleanUp = async (token) => {
      await client.revoke(token);
      await pause(150);
      const right = token.access.find(({ type }: Json) => type === 'outgoing-payment');
      if (right) {
        const { wallet } = client.wallets.get(right.identifier)!;
        const url = `${client.resourceUrl(wallet, 'outgoing-payments')}?wallet-address=${encodeURIComponent(wallet.id)}`;
        await client.send({ method: 'GET', url, token: token.value, key: client.keyFor(token.authServer) });
      }
      if (token.continuation) await client.cancelGrant(token.authServer, token.continuation);
    };
  },
  'CL-TOK-15': retryWhen(
    (answer) => answer.status >= 400,
    async () => {},
    6,
  ),
  'CL-TOK-16': (client) => {
    const send = client.send.bind(client);
    client.send = async (request) => {
      const answer = await send(request);
      const [, asUri] = /as_uri="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '') ?? [];
      const sender = [...client.wallets.values()][0]?.wallet.id;
      if (answer.status === 401 && asUri && request.token) {
        await client
          .requestGrant(asUri, [{ type: 'outgoing-payment', actions: ['create'], identifier: sender }], {
            start: ['redirect'],
          })
          .catch(() => {});
      }
      return answer;
    };
  },
} satisfies Readonly<Record<string, Change>>;

function changeRotation(select: (next: Token) => Partial<Token>): Change {
  return (client) => {
    client.rotate = async (token) => {
      const answer = await client.send(client.rotation(token));
      const next = client.toToken(token.authServer, client.expect(answer, 200));
      if (next) Object.assign(token, select(next));
      // Requests that were on their way during the rotation are not judged.
      await pause(150);
    };
  };
}

/** After an answer of this kind, `recover` and send the same request again, at most `times`. */
function retryWhen(
  isBad: (answer: { status: number; json: Json }) => boolean,
  recover: (client: Client, token: Token) => Promise<void>,
  times: number,
): Change {
  return (client) => {
    client.authorized = async (token, request) => {
      const key = client.keyFor(token.authServer);
      let answer = await client.send({ ...request, token: token.value, key });
      for (let tries = 0; tries < times && isBad(answer); tries += 1) {
        await recover(client, token);
        answer = await client.send({ ...request, token: token.value, key });
      }
      return answer;
    };
  };
}
