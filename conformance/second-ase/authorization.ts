/** The authorization server: grant requests, continuations and tokens (RFC 9635 §2 to §6). */
import { type AccessItem, needsConsent, readAccess } from './access.ts';
import { type Area, type Exchange, Refusal, type Reply, type Route } from './http.ts';
import { checkContentType, hasMembers, isObject, type Json, parseObject } from './json.ts';
import { type Client, readClient } from './keys.ts';
import { fieldOf, SignatureError, verifySignature } from './signatures.ts';
import { findWallet, type Grant, newId, newSecret, type State, type Token } from './state.ts';

const TOKEN_LIFETIME_S = 600;

const invalidRequest = (reason: string): Refusal => new Refusal(400, 'invalid_request', reason);
const invalidClient = (reason: string): Refusal => new Refusal(401, 'invalid_client', reason);
const invalidContinuation = (status: 401 | 404): Refusal =>
  new Refusal(status, 'invalid_continuation', 'this grant cannot be continued');
const requestDenied = (reason: string): Refusal => new Refusal(401, 'request_denied', reason);

export function authorizationServer(state: State, interactionRoutes: readonly Route[]): Area {
  const { has } = state;

  /** Verifies the signature as one of this client. */
  async function authenticate(exchange: Exchange, client: Client): Promise<void> {
    const tokens = exchange.headers.filter(([name]) => name.toLowerCase() === 'authorization');
    if (tokens.length > 1) throw invalidClient('two Authorization headers');
    try {
      await verifySignature(exchange, (keyId) => state.findKey(client, keyId), state.nonces, has);
    } catch (error) {
      if (error instanceof SignatureError) throw invalidClient(error.message);
      throw error;
    }
  }

  async function requestGrant(exchange: Exchange): Promise<Reply> {
    checkContentType(exchange, 400, 'invalid_request');
    const request = readGrantRequest(parseObject(exchange.body, 'invalid_request'));
    if (fieldOf(exchange, 'signature') === undefined) throw invalidClient('the request is not signed');
    await authenticate(exchange, request.client);
    const access = request.access && readAccess(request.access, (url) => findWallet(state, url)?.url);
    const isInteractive = request.subject !== undefined || (access ?? []).some(needsConsent);
    if (isInteractive && request.client.jwk) {
      throw new Refusal(400, 'invalid_client', 'a client known by its key cannot ask for consent');
    }
    if (isInteractive && !request.interact) throw invalidRequest('consent is needed, and interact is missing');
    if (request.subject && !findWallet(state, request.subject.sub_ids[0].id)) throw invalidRequest('unknown subject');
    const grant: Grant = {
      id: newId(),
      client: request.client,
      access: access ?? [],
      subject: request.subject,
      isInteractive,
      finish: request.interact?.finish,
      serverNonce: newSecret(),
      reference: newId(),
      continueToken: newSecret(),
      state: isInteractive ? 'pending' : 'issued',
    };
    state.grants.set(grant.id, grant);
    if (!isInteractive) return ok({ access_token: issueToken(grant), continue: continuation(grant) });
    const link = newSecret();
    state.interactions.set(link, { grant });
    const redirect = `${state.authServer}ask/${link}`;
    return ok({ interact: { redirect, finish: grant.serverNonce }, continue: continuation(grant) });
  }

  const continuation = ({ id, continueToken, isInteractive }: Grant): Json => ({
    access_token: { value: continueToken },
    uri: `${state.authServer}continue/${id}`,
    ...(isInteractive && { wait: 0 }),
  });

  function issueToken(grant: Grant): Json {
    const value = newSecret();
    const expiresAt = Date.now() + TOKEN_LIFETIME_S * 1000;
    const token: Token = { value, manageId: has('manage-shows-token') ? value : newSecret(), grant, expiresAt };
    state.tokens.set(value, token);
    state.tokensByManageId.set(token.manageId, token);
    return {
      value,
      manage: `${state.authServer}token/${token.manageId}`,
      ...(!has('token-without-expiry') && { expires_in: TOKEN_LIFETIME_S }),
      access: has('answer-without-limits') ? grant.access.map(({ limits: _, ...item }) => item) : grant.access,
    };
  }

  /** The grant of a continuation, whose token and signature are right. */
  async function findGrant(exchange: Exchange): Promise<Grant> {
    const value = readToken(exchange);
    if (value === undefined) throw invalidClient('the continue token is missing');
    if (fieldOf(exchange, 'signature') === undefined) throw invalidClient('the request is not signed');
    const grant = state.grants.get(exchange.params[0]!);
    const isToken = grant?.continueToken === value || (has('any-continue-token') && isContinueToken(value));
    if (!grant || !isToken || grant.state === 'cancelled') throw invalidContinuation(401);
    await authenticate(exchange, grant.client);
    return grant;
  }

  const isContinueToken = (value: string): boolean =>
    [...state.grants.values()].some(({ continueToken }) => continueToken === value);

  async function continueGrant(exchange: Exchange): Promise<Reply> {
    if (exchange.body.length > 0) checkContentType(exchange, 400, 'invalid_request');
    const body = exchange.body.length > 0 ? parseObject(exchange.body, 'invalid_request') : {};
    const { interact_ref: reference } = body;
    if (reference !== undefined && typeof reference !== 'string') throw invalidRequest('interact_ref is not text');
    const grant = await findGrant(exchange);
    if (!grant.isInteractive) throw requestDenied('the grant needed no consent');
    if (grant.finish ? reference === undefined && !has('poll-despite-finish') : reference !== undefined) {
      throw requestDenied(grant.finish ? 'the interaction reference is missing' : 'no reference was issued');
    }
    if (grant.state === 'pending' && !has('issued-before-consent')) {
      if (grant.finish) throw requestDenied('the owner has not decided');
      return ok({ continue: continuation(grant) });
    }
    const isRight = reference === undefined || reference === grant.reference || has('any-reference');
    if (!isRight) throw invalidContinuation(404);
    if (grant.state === 'issued' && !has('reference-reusable')) throw requestDenied('the grant was continued before');
    grant.state = 'issued';
    return ok({
      ...(grant.access.length > 0 && { access_token: issueToken(grant) }),
      ...(grant.subject && { subject: grant.subject }),
      continue: continuation(grant),
    });
  }

  async function cancelGrant(exchange: Exchange): Promise<Reply> {
    const grant = await findGrant(exchange);
    grant.state = 'cancelled';
    if (!has('cancelled-token-valid')) {
      for (const token of state.tokens.values()) if (token.grant === grant) forget(token);
    }
    return { status: 204 };
  }

  const forget = (token: Token): void => {
    state.tokens.delete(token.value);
    state.tokensByManageId.delete(token.manageId);
  };

  /** The token that a management URL belongs to, whose value and signature are right. */
  async function findToken(exchange: Exchange): Promise<Token> {
    const token = state.tokensByManageId.get(exchange.params[0]!);
    const value = readToken(exchange);
    if (!token || value !== token.value) throw invalidClient('the token is not known');
    await authenticate(exchange, token.grant.client);
    return token;
  }

  async function rotateToken(exchange: Exchange): Promise<Reply> {
    const token = await findToken(exchange);
    if (!state.tokensByManageId.has(token.manageId)) {
      throw new Refusal(404, 'invalid_rotation', 'the token was rotated');
    }
    if (has('rotated-token-valid')) state.tokensByManageId.delete(token.manageId);
    else forget(token);
    const storing = has('rotation-may-be-stored') ? 'max-age=60' : 'no-store';
    return { ...ok({ access_token: issueToken(token.grant) }), headers: { 'cache-control': storing } };
  }

  async function revokeToken(exchange: Exchange): Promise<Reply> {
    const token = await findToken(exchange);
    if (has('revoked-token-valid')) state.tokensByManageId.delete(token.manageId);
    else forget(token);
    return { status: has('revocation-is-200') ? 200 : 204 };
  }

  return {
    prefix: new URL(state.authServer).pathname.slice(0, -1),
    code: 'invalid_request',
    headers: { 'cache-control': 'no-store' },
    routes: [
      { method: 'POST', path: /^\/gnap\/?$/, handle: requestGrant },
      { method: 'POST', path: /^\/gnap\/continue\/([^/]+)\/?$/, handle: continueGrant },
      { method: 'DELETE', path: /^\/gnap\/continue\/([^/]+)\/?$/, handle: cancelGrant },
      { method: 'POST', path: /^\/gnap\/token\/([^/]+)\/?$/, handle: rotateToken },
      { method: 'DELETE', path: /^\/gnap\/token\/([^/]+)\/?$/, handle: revokeToken },
      ...interactionRoutes,
    ],
  };
}

const ok = (body: Json): Reply => ({ status: 200, body });

/** The token in the only `Authorization` header; undefined without one. */
export function readToken(exchange: Exchange): string | undefined {
  return /^GNAP +([\w.~+/-]+=*)$/i.exec(fieldOf(exchange, 'authorization') ?? '')?.[1];
}

interface GrantRequest {
  readonly client: Client;
  readonly access: Json;
  readonly subject: Json;
  readonly interact: { readonly finish?: { readonly uri: string; readonly nonce: string } } | undefined;
}

function readGrantRequest(body: Json): GrantRequest {
  const { client, access_token, subject, interact } = body;
  if (access_token === undefined && subject === undefined) throw invalidRequest('nothing is asked for');
  if (access_token !== undefined && !isObject(access_token)) throw invalidRequest('access_token is not an object');
  const access = access_token?.access;
  if (access_token && !Array.isArray(access)) throw invalidRequest('access is not a list');
  if (access?.length === 0 && subject === undefined) throw invalidRequest('nothing is asked for');
  if (subject !== undefined && !isSubject(subject)) throw invalidRequest('subject is malformed');
  if (interact !== undefined) checkInteract(interact);
  return { client: readClient(client), access: access as AccessItem[] | undefined, subject, interact };
}

function isSubject(subject: Json): boolean {
  const ids = subject?.sub_ids;
  if (!hasMembers(subject, ['sub_ids']) || !Array.isArray(ids) || ids.length !== 1) return false;
  return hasMembers(ids[0], ['id', 'format']) && typeof ids[0].id === 'string' && ids[0].format === 'uri';
}

function checkInteract(interact: Json): void {
  if (!isObject(interact) || JSON.stringify(interact['start']) !== '["redirect"]') {
    throw invalidRequest('interact.start is not redirect');
  }
  const finish: Json = interact['finish'];
  if (finish === undefined) return;
  const { method, uri, nonce, hash_method } = isObject(finish) ? (finish as Json) : {};
  if (method !== 'redirect' || typeof nonce !== 'string' || nonce === '' || !isFinishUri(uri)) {
    throw invalidRequest('interact.finish is malformed');
  }
  if (hash_method !== undefined && hash_method !== 'sha-256') throw invalidRequest('unknown hash_method');
}

const dangerous = /^(javascript|data|file|vbscript|blob|about|intent|android-app|ms-[a-z-]+|view-source|filesystem):/i;

/** A page on the web, on this machine or of an app, but not one that a browser would run. */
function isFinishUri(uri: unknown): boolean {
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^\s\\#]*$/i.test(uri) || !URL.canParse(uri)) return false;
  const { protocol, username, password, hostname } = new URL(uri);
  if (dangerous.test(uri) || username || password) return false;
  return protocol !== 'http:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
