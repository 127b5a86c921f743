/** Requests of a client, its browser and its identity provider for a grant at two servers (RFC 9635 §2–6). */
import assert from 'node:assert/strict';
import type { Answer, TwoServers, Which } from './two-servers.ts';

export interface Grant {
  readonly redirect: string;
  readonly uri: string;
  readonly continueToken: string;
}
export interface Token {
  readonly value: string;
  readonly manage: string;
}
export type Request = (which: Which) => Promise<Answer>;

export const statusOf = ({ status, body }: Answer): string =>
  body?.error === undefined ? String(status) : `${status} ${body.error.code}`;

/** The requests of a client, its browser and its identity provider. */
export function createActors(servers: () => TwoServers) {
  const finish = { method: 'redirect', uri: 'https://shop.example/done', nonce: 'of-the-client' };
  const actors = {
    /** A grant that is pending. */
    async request(options: { readonly polls?: boolean } = {}): Promise<Grant> {
      const { environment, authServer, send } = servers();
      const outgoing = { type: 'outgoing-payment', actions: ['list'], identifier: environment.walletAddress };
      const interact = { start: ['redirect'], ...(!options.polls && { finish }) };
      const body = { client: environment.client, access_token: { access: [outgoing] }, interact };
      const answer = await send(0, { url: authServer, body });
      assert.equal(answer.status, 200);
      const { interact: interaction, continue: continuation } = answer.body;
      return {
        redirect: interaction.redirect,
        uri: continuation.uri,
        continueToken: continuation.access_token.value,
      };
    },
    /** A grant without interaction, with its token. */
    async requestToken(): Promise<Grant & Token> {
      const { environment, authServer, send } = servers();
      const access = [{ type: 'incoming-payment', actions: ['list'] }];
      const answer = await send(0, { url: authServer, body: { client: environment.client, access_token: { access } } });
      assert.equal(answer.status, 200);
      const { access_token: token, continue: continuation } = answer.body;
      return { ...token, redirect: '', uri: continuation.uri, continueToken: continuation.access_token.value };
    },
    start:
      ({ redirect }: Grant): Request =>
      (which) =>
        servers().send(which, { method: 'GET', url: redirect, signed: false }),
    decide:
      ({ redirect }: Grant, choice: 'accept' | 'reject'): Request =>
      (which) =>
        servers().decide(which, redirect, choice),
    finish:
      ({ redirect }: Grant, cookie: string): Request =>
      (which) =>
        servers().send(which, {
          method: 'GET',
          url: `${redirect.split('?')[0]}/finish`,
          headers: { cookie },
          signed: false,
        }),
    continue:
      ({ uri, continueToken: token }: Grant, reference?: string): Request =>
      (which) =>
        servers().send(which, {
          url: uri,
          token,
          ...(reference !== undefined && { body: { interact_ref: reference } }),
        }),
    cancel:
      ({ uri, continueToken: token }: Grant): Request =>
      (which) =>
        servers().send(which, { method: 'DELETE', url: uri, token }),
    rotate:
      ({ manage, value }: Token): Request =>
      (which) =>
        servers().send(which, { url: manage, token: value }),
    revoke:
      ({ manage, value }: Token): Request =>
      (which) =>
        servers().send(which, { method: 'DELETE', url: manage, token: value }),
    introspect:
      ({ value }: Token): Request =>
      (which) =>
        servers().introspect(which, value),
    /** A request to the resource server. */
    use:
      ({ value }: Token): Request =>
      (which) => {
        const { environment, resourceServer } = servers();
        const wallet = new URLSearchParams({ 'wallet-address': environment.walletAddress });
        return servers().send(which, {
          method: 'GET',
          url: `${resourceServer}/incoming-payments?${wallet}`,
          token: value,
        });
      },
    async isActive(token: Token | undefined): Promise<boolean> {
      return token !== undefined && (await actors.introspect(token)(1)).body.active;
    },
    /** An accepted grant and the session cookie of the browser that can finish it. */
    async accepted(): Promise<{ grant: Grant; cookie: string }> {
      const grant = await actors.request();
      const cookie = cookieOf(await actors.start(grant)(0));
      assert.equal((await actors.decide(grant, 'accept')(1)).status, 202);
      return { grant, cookie };
    },
    /** A finished grant whose client has not presented the reference yet. */
    async referred(): Promise<{ grant: Grant; reference: string }> {
      const { grant, cookie } = await actors.accepted();
      return { grant, reference: referenceOf(await actors.finish(grant, cookie)(0))! };
    },
    /** An accepted grant that its client polls. */
    async polled(): Promise<Grant> {
      const grant = await actors.request({ polls: true });
      assert.equal((await actors.decide(grant, 'accept')(1)).status, 202);
      return grant;
    },
    /** Sends the requests concurrently, alternating between the processes. In odd rounds all of them read the grant before one writes. */
    async meet(round: number, { uri }: Grant, requests: readonly Request[]): Promise<Answer[]> {
      const first = (round >> 1) & 1;
      const order = first ? requests.toReversed() : requests;
      const sendAll = () => order.map((request, index) => request((index % 2) as Which));
      const answer = async (sent: readonly Promise<Answer>[]): Promise<Answer[]> => {
        const answers = await Promise.all(sent);
        return first ? answers.toReversed() : answers;
      };
      if (round % 2 === 0) return answer(sendAll());
      const hold = await servers().hold(uri);
      const sent = sendAll();
      await hold.blocked(sent).finally(hold.release);
      return answer(sent);
    },
  };
  return actors;
}

export const cookieOf = ({ headers }: Answer): string => headers['set-cookie']![0]!.split(';')[0]!;
export const queryOf = ({ headers }: Answer): URLSearchParams => new URL(headers.location!).searchParams;
export const referenceOf = (answer: Answer): string | undefined =>
  answer.status === 302 ? (queryOf(answer).get('interact_ref') ?? undefined) : undefined;
/** The outcome without order, for races of two identical requests. */
export const unordered = (answers: readonly Answer[]): string => answers.map(statusOf).sort().join(', ');
