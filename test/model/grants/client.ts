/** The requests of the grant model over HTTP, as a client, its browser and an identity provider send them. */
import { createHash } from 'node:crypto';
import type { DatabaseOptions } from '../../../src/database/database.ts';
import { defaultWorld } from '../../../src/world/definition/definition.ts';
import { type RequestParts, type Answer as Response, send } from '../../support/signed-fetch.ts';
import { clientEnvironment, startWorld } from '../../support/world.ts';
import { type Action, type Answer, type Asked, type Consent, settings, type Token } from './model.ts';

/** Values that the client and the browser received for one grant, oldest first. */
export interface Handles {
  readonly asks: Asked;
  readonly uri: string;
  readonly continueToken: string;
  /** Where the browser begins, and the server's nonce; '' without an interaction. */
  readonly redirect: string;
  readonly nonce: string;
  readonly cookies: string[];
  readonly references: string[];
  readonly tokens: Token[];
}

export interface GrantClient {
  /** Runs before each sequence. */
  prepare(consent: Consent): Promise<void>;
  /** `known` holds the handles of the grants by number and is extended. */
  send(action: Action, known: Map<number, Handles>): Promise<Answer>;
  close(): Promise<void>;
}

const FINISH = 'https://shop.example/done';
const NONCE = 'nonce-of-the-client';
const WRONG = 'no-such-value';

/** Starts a world with the strict profile and a clock that moves only on request. */
export async function startGrantClient(database: DatabaseOptions): Promise<GrantClient> {
  const { wait, tokenLife, interactionLife } = settings;
  const grants = { waitSeconds: wait, tokenSeconds: tokenLife, interactionSeconds: interactionLife };
  const ases = defaultWorld.ases.map((ase) => (ase.name === 'granite' ? { ...ase, grants } : ase));
  const world = await startWorld({ definition: { ...defaultWorld, ases }, profile: 'strict', database });
  const { env } = world;
  const environment = clientEnvironment(world);
  const { authServer, resourceServer } = world.ases[0]!;
  const wallet = environment.walletAddress;

  const call = (parts: Omit<RequestParts, 'method'> & { readonly method?: string }): Promise<Response> =>
    send(environment, { method: 'POST', ...parts });
  const control = async (path: string, body: unknown): Promise<Response> => {
    const headers = { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}` };
    const answer = await call({ url: env['TOUCHSTONE_CONTROL'] + path, body, headers, signed: false });
    if (answer.status !== 200) throw new Error(`the control API answers ${answer.status}`);
    return answer;
  };
  await control('/clock', { freeze: true });

  const browse = (url: string, cookie?: string): Promise<Response> =>
    call({ method: 'GET', url, signed: false, ...(cookie !== undefined && { headers: { cookie } }) });

  function exchange(action: Action, grant: Handles | undefined): Promise<Response> {
    if (action.kind === 'advance') return control('/clock', { advance: action.seconds });
    if (action.kind === 'request') return call({ url: authServer, body: writeRequest(action.asks) });
    if (!grant) throw new Error('a request for a grant that was never made');
    const withToken = {
      url: grant.uri,
      token: 'isOwnToken' in action && action.isOwnToken ? grant.continueToken : WRONG,
    };
    switch (action.kind) {
      case 'start':
        return browse(grant.redirect);
      case 'accept':
      case 'reject': {
        const [, , , id, nonce] = new URL(grant.redirect).pathname.split('/');
        const headers = { 'x-idp-secret': env['TOUCHSTONE_BACK_CHANNEL_SECRET']! };
        const url = `${env['TOUCHSTONE_BACK_CHANNEL']}/grant/${id}/${nonce}/${action.kind}`;
        return call({ url, headers, signed: false });
      }
      case 'finish':
        return browse(`${grant.redirect.split('?')[0]}/finish`, action.cookie);
      case 'continue': {
        const { reference } = action;
        return call({ ...withToken, ...(reference !== undefined && { body: { interact_ref: reference } }) });
      }
      case 'cancel':
        return call({ ...withToken, method: 'DELETE' });
      case 'rotate':
        return call({ url: action.token.manage, token: action.token.value });
      case 'revoke':
        return call({ method: 'DELETE', url: action.token.manage, token: action.token.value });
      case 'introspect': {
        const headers = { authorization: `Bearer ${env['TOUCHSTONE_INTROSPECTION_SECRET']}` };
        const url = env['TOUCHSTONE_INTROSPECTION']!;
        return call({ url, body: { access_token: action.value }, headers, signed: false });
      }
      case 'use': {
        const list = grant.asks.right === 'outgoing' ? 'outgoing-payments' : 'incoming-payments';
        const query = new URLSearchParams({ 'wallet-address': wallet });
        return call({ method: 'GET', url: `${resourceServer}/${list}?${query}`, token: action.value });
      }
    }
  }

  function writeRequest({ right, subject, interaction }: Asked): unknown {
    const access = {
      outgoing: [{ type: 'outgoing-payment', actions: ['list'], identifier: wallet }],
      incoming: [{ type: 'incoming-payment', actions: ['list'] }],
      none: undefined,
    }[right];
    const finish = { method: 'redirect', uri: FINISH, nonce: NONCE };
    return {
      client: environment.client,
      ...(access && { access_token: { access } }),
      ...(subject && { subject: { sub_ids: [{ id: wallet, format: 'uri' }] } }),
      ...(interaction !== 'none' && { interact: { start: ['redirect'], ...(interaction === 'finish' && { finish }) } }),
    };
  }

  /** Ignores a reference with a wrong hash (RFC 9635 §4.2.3). */
  const isHashed = (query: URLSearchParams, nonce: string): boolean => {
    const base = [NONCE, nonce, query.get('interact_ref'), authServer].join('\n');
    return query.get('hash') === createHash('sha256').update(base).digest('base64url');
  };

  function read({ status, body, headers }: Response, grant: Handles | undefined): Answer {
    const location = headers.get('location');
    const target = location === null ? undefined : new URL(location);
    const isBack = target?.href.startsWith(FINISH);
    const query = isBack ? target!.searchParams : undefined;
    const reference = query && isHashed(query, grant!.nonce) ? query.get('interact_ref') : undefined;
    const cookie = headers.get('set-cookie')?.split(';')[0];
    const token = body?.access_token;
    const result = query?.get('result');
    return {
      status: body?.error ? `${status} ${body.error.code}` : String(status),
      ...(token?.value && { token: { value: token.value, manage: token.manage } }),
      ...(body?.subject && { subject: true as const }),
      ...(body?.continue && { continues: true as const }),
      ...(cookie && !cookie.endsWith('=') && { cookie }),
      ...(target && !isBack && { page: true as const }),
      ...(reference && { reference }),
      ...(result && { result }),
      ...(body?.active !== undefined && { active: body.active }),
    };
  }

  return {
    prepare: async (consent) => {
      await control('/consent', { mode: consent });
    },
    async send(action, known) {
      const before = 'grant' in action ? known.get(action.grant) : undefined;
      const response = await exchange(action, before);
      const answer = read(response, before);
      if (action.kind === 'request' && response.status === 200) {
        const { interact, continue: continuation } = response.body;
        known.set(action.grant, {
          asks: action.asks,
          uri: continuation.uri,
          continueToken: continuation.access_token.value,
          redirect: interact?.redirect ?? '',
          nonce: interact?.finish ?? '',
          ...{ cookies: [], references: [], tokens: [] },
        });
      }
      const grant = 'grant' in action ? known.get(action.grant) : undefined;
      if (answer.cookie) grant?.cookies.push(answer.cookie);
      if (answer.reference) grant?.references.push(answer.reference);
      if (answer.token) grant?.tokens.push(answer.token);
      return answer;
    },
    close: world.close,
  };
}

export const unknownToken = (grant: Handles): Token => ({
  value: WRONG,
  manage: `${grant.uri.replace(/continue\/[^/]*$/, 'token/')}${WRONG}`,
});
export const unknownValue = WRONG;
