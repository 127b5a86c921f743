/**
 * How a request becomes a reply: one straight function, which reads the policy (`policy.ts`). Read this file first.
 *
 * Which error wins when several apply is decided by the order of the steps in `serve`, and by one choice per server:
 * the authorization server judges the body before the signature (AS-N01), the others the caller before the body (RS-14).
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Database, Transaction } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { FaultSelector } from '../faults.ts';
import type { Switches } from '../profile.ts';
import type { Route } from './operation.ts';
import { type Policy, policies } from './policy.ts';
import { headerLines, type ReceivedRequest } from './received-request.ts';
import type { Reply } from './reply.ts';
import type { FinishedCall, RequestNotes } from './request-trace.ts';
import { RequestInvalid, type RequestValidator, type ValidatedRequest } from './request-validator.ts';
import type { ClientKey } from './signatures/client-keys.ts';
import { createSignatureBase } from './signatures/signature-base.ts';
import { type ReadSignature, readSignature } from './signatures/signature-input.ts';
import type { Refusal } from './signatures/verdict.ts';
import { checkSignature, singleUseValue } from './signatures/verify.ts';

// ── What a server brings ────────────────────────────────────────────────────────────────────────────────────────────

/** What a handler is called with, besides the request. */
export interface Call<Caller> {
  readonly exchange: ReceivedRequest;
  readonly policy: Policy;
  /** What `identify` found; undefined where nobody in particular calls. */
  readonly caller: Caller;
  /** Runs `work` in one transaction, which commits only if the reply it returns is valid. */
  readonly transaction: <R extends Reply>(work: (tx: Transaction) => Promise<R>) => Promise<R>;
}

/** What the request offers as proof, before anything is looked up. */
export interface RequestProof {
  readonly exchange: ReceivedRequest;
  readonly policy: Policy;
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** From `Authorization: GNAP …`. */
  readonly token: string | undefined;
  /** `keyid` of the signature; empty for callers that do not sign. */
  readonly keyid: string;
}

export interface Identity<Caller> {
  readonly caller: Caller;
  /** Finds the key that must have signed; absent for callers that do not sign. */
  readonly findKey?: () => Promise<ClientKey>;
  /** What was accepted of the credentials although it is not to the letter. */
  readonly lenient?: readonly string[];
}

/** Codes of the problems that the pipeline itself finds; every server's catalogue has them. */
export type PipelineCode =
  | 'not_found'
  | 'method_not_allowed'
  | 'malformed_body'
  | 'invalid_request'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'body_timeout'
  | 'missing_authorization'
  | 'invalid_signature'
  | 'internal_error';

export interface Server<Caller = unknown> {
  readonly name: string;
  readonly routes: Readonly<Record<string, Route>>;
  readonly validateRequest: RequestValidator;
  readonly responseBody: Readonly<Record<string, Readonly<Record<number, ReplyValidator | null>>>>;
  // biome-ignore lint/suspicious/noExplicitAny: each handler's exact type is checked where the server is composed
  readonly handlers: Readonly<Record<string, (call: Call<Caller>, request: any) => Promise<Reply>>>;
  readonly validates: 'before-authentication' | 'after-authentication';
  /** Says who calls; throws a Problem if that cannot be known. */
  readonly identify: (credentials: RequestProof) => Promise<Identity<Caller>>;
  /** Whether the caller may call this operation at all; throws a Problem if not. */
  readonly authorize?: (caller: Caller, policy: Policy) => void;
  /** Where the document declares JSON, a page may stand as well. */
  readonly answersBrowsers?: true;
  /**
   * The error format: only here. A failure of ours tells its id, under which it stands in the log, and nothing else.
   * `accept` is the request's header of that name.
   */
  readonly render: (problem: Problem, operationId: string | undefined, failureId: string, accept?: string) => Reply;
}

export type ReplyValidator = ((body: unknown) => boolean) & {
  errors?: readonly { instancePath: string; message?: string }[] | null;
};

export interface ServerContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly switches: Switches;
  readonly log: Logger;
  /** Remembers a nonce of a verified signature; true if it was there before (SIG-15). */
  readonly rememberNonce: (keyThumbprint: string, nonce: string) => Promise<boolean>;
  /** For tests: changes a handler's reply before it is validated. */
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
  /** For tests of clients: a fault on purpose (CT-06). */
  readonly selectFault?: FaultSelector;
  /** Told of each call, with what `note` was told on its way (CT-05). */
  readonly trace?: (call: FinishedCall) => void;
  readonly note?: (finding: RequestNotes) => void;
}

// ── One request, in order ───────────────────────────────────────────────────────────────────────────────────────────

/** `path` is the operation's path with its parameters filled in; `query` holds strings, or arrays if repeated. */
export async function serve<Caller>(
  server: Server<Caller>,
  environment: ServerContext,
  operationId: string,
  exchange: ReceivedRequest,
  path: string,
  params: Readonly<Record<string, string>>,
  query: Record<string, unknown>,
): Promise<Reply> {
  const policy = policies[operationId]!;

  // 1 Content, from the raw bytes
  const body = policy.body === 'read' ? parseBody(exchange) : undefined;
  const validate = () => validateRequest(server, exchange, path, query, body);

  // 2 Schema, where the body is judged first
  let request: ValidatedRequest | undefined;
  if (server.validates === 'before-authentication') request = await validate();

  // 3 Credentials and signature parameters
  const isPublic =
    policy.caller === 'public' || (policy.caller === 'public-or-token' && callsPublicly(exchange, environment));
  const token = isPublic ? undefined : readToken(exchange);
  if (token === undefined && requiresToken(policy, environment.switches) && !isPublic) {
    throw new Problem('missing_authorization');
  }
  const signature = signs(policy) && !isPublic ? expectSignature(exchange, environment) : undefined;

  // 4 Who calls
  const credentials: RequestProof = {
    exchange,
    policy,
    params,
    body: body instanceof Malformed ? undefined : body,
    token,
    keyid: signature?.keyid ?? '',
  };
  const identity = isPublic ? { caller: undefined as Caller } : await server.identify(credentials);

  // 5 The caller's key, digest and signature
  if (signature) await verifySignature(exchange, signature, identity, environment);

  // 6 Schema, where the caller is judged first
  request ??= await validate();

  // 7 Access
  if (!isPublic) server.authorize?.(identity.caller, policy);

  // 8 Handler; what it creates commits only with a valid reply
  const check = (reply: Reply): Reply => {
    const tampered = environment.tamper?.(operationId, reply) ?? reply;
    checkReply(server, operationId, tampered, environment.log);
    return tampered;
  };
  let checked: Reply | undefined;
  const call: Call<Caller> = {
    exchange,
    policy,
    caller: identity.caller,
    transaction: async (work) => {
      const reply = await environment.db.transaction(async (tx) => {
        const made = await work(tx);
        checked = check(made);
        return made;
      });
      return reply;
    },
  };
  const reply = await server.handlers[operationId]!(call, {
    params: request.params,
    query: request.query,
    body: request.body,
  });

  // 9 Reply
  return checked ?? check(reply);
}

/** Content that is no JSON: kept until the step that judges the body. What the parser says of it would quote it. */
class Malformed {}

function parseBody(exchange: ReceivedRequest): unknown {
  if (exchange.body.length === 0) return undefined;
  const contentType = headerLines(exchange, 'content-type')[0] ?? '';
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
    return Object.fromEntries(new URLSearchParams(exchange.body.toString('utf8')));
  }
  try {
    // With a byte order mark it is no JSON (RFC 8259 §8.1).
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(exchange.body));
  } catch {
    return new Malformed();
  }
}

async function validateRequest<Caller>(
  server: Server<Caller>,
  exchange: ReceivedRequest,
  path: string,
  query: Record<string, unknown>,
  body: unknown,
): Promise<ValidatedRequest> {
  if (headerLines(exchange, 'content-type').length > 1) {
    throw new Problem('invalid_request', { description: 'Content-Type stands twice' });
  }
  const headers = Object.fromEntries(exchange.rawHeaders.map(([name, value]) => [name.toLowerCase(), value]));
  if (body instanceof Malformed && /^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new Problem('malformed_body');
  }
  try {
    // HEAD is answered as GET (RFC 9110 §9.3.2).
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
    return await server.validateRequest({ method, path, query, headers, body });
  } catch (error) {
    if (!(error instanceof RequestInvalid)) throw error;
    if (error.status === 415) throw new Problem('unsupported_media_type', { description: error.message });
    throw new Problem('invalid_request', { description: error.message });
  }
}

const signs = ({ caller }: Policy): boolean =>
  ['client', 'continuation', 'management', 'token', 'public-or-token'].includes(caller);

const requiresToken = ({ caller }: Policy, switches: Switches): boolean =>
  ['continuation', 'token', 'public-or-token'].includes(caller) ||
  (caller === 'management' && !switches.rotateWithForeignToken);

/** A GET without a token; in `compat` also one that carries some old token and is not signed (RS-IP-16). */
function callsPublicly(exchange: ReceivedRequest, { switches }: ServerContext): boolean {
  if (headerLines(exchange, 'authorization').length === 0) return true;
  return switches.publicGetWithForeignToken && headerLines(exchange, 'signature-input').length === 0;
}

/** The token of `Authorization: GNAP <token>` (RFC 9635 §7.2); scheme in any case, one token, one line (RS-05). */
function readToken(exchange: ReceivedRequest): string | undefined {
  const lines = headerLines(exchange, 'authorization');
  return lines.length === 1 ? /^GNAP +([\x21-\x7e]+)$/i.exec(lines[0]!)?.[1] : undefined;
}

function expectSignature(exchange: ReceivedRequest, { switches, clock }: ServerContext): ReadSignature {
  const read = readSignature(exchange, switches, clock.wallNow());
  if (!read.ok) throw signatureProblem(read);
  return read;
}

async function verifySignature<Caller>(
  exchange: ReceivedRequest,
  signature: ReadSignature,
  identity: Identity<Caller>,
  { switches, log, rememberNonce, note }: ServerContext,
): Promise<void> {
  if (!identity.findKey) throw new Error('a caller that signs has no key');
  const { key, thumbprint } = await identity.findKey();
  const verdict = checkSignature(exchange, signature, { key, switches });
  if (!verdict.ok) {
    const built = createSignatureBase(exchange, signature.components, signature.signatureParams);
    if (built.ok) note?.({ signatureBase: built.base });
    throw signatureProblem(verdict);
  }
  const once = singleUseValue(signature, switches);
  if (once !== undefined && (await rememberNonce(thumbprint, once))) {
    throw signatureProblem({ ok: false, reason: 'nonce_replayed', detail: 'the nonce was used before' });
  }
  const lenient = [...(identity.lenient ?? []), ...verdict.lenient];
  if (lenient.length === 0) return;
  note?.({ lenient });
  log.info({ lenient }, 'accepted leniently');
}

const signatureProblem = ({ reason, detail }: Refusal): Problem =>
  new Problem('invalid_signature', { description: detail, detail: reason });

/** Throws unless the document allows this body at this status; a status it does not declare is a gap, recorded. */
function checkReply<Caller>(server: Server<Caller>, operationId: string, reply: Reply, log: Logger): void {
  const validator = server.responseBody[operationId]?.[reply.status];
  if (validator === undefined) {
    log.warn({ operationId, status: reply.status }, 'status that no document declares');
    return;
  }
  const isPage = typeof reply.body === 'string' && reply.headers?.['Content-Type']?.startsWith('text/html');
  if (isPage && server.answersBrowsers) return;
  if (validator === null) {
    if (reply.body === undefined || isPage) return;
    throw new Error(`${operationId} ${reply.status}: a body where the document has none`);
  }
  // As it will be on the wire: undefined members are gone.
  const body = reply.body === undefined ? undefined : JSON.parse(JSON.stringify(reply.body));
  if (!validator(body)) {
    const [first] = validator.errors ?? [];
    throw new Error(
      `${operationId} ${reply.status}: invalid body at '${first?.instancePath ?? ''}': ${first?.message ?? ''}`,
    );
  }
}

/** The server's error reply, valid against its document; whatever is no Problem becomes its 500 (RS-24, AS-164). */
export function renderProblem<Caller>(
  server: Server<Caller>,
  environment: ServerContext,
  operationId: string | undefined,
  error: unknown,
  accept?: string,
): Reply {
  const { log } = environment;
  const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error });
  const failureId = randomUUID();
  try {
    const reply = server.render(problem, operationId, failureId, accept);
    if (reply.status >= 500) log.error({ failureId, operationId, err: problem.cause ?? problem }, 'failed');
    else log.debug({ operationId, status: reply.status, code: problem.code, detail: problem.detail }, 'refused');
    if (operationId === undefined) return reply;
    const tampered = environment.tamper?.(operationId, reply) ?? reply;
    checkReply(server, operationId, tampered, log);
    return tampered;
  } catch (invalid) {
    log.error({ failureId, operationId, code: problem.code, err: invalid }, 'an error reply was invalid');
    return server.render(new Problem('internal_error'), operationId, failureId, accept);
  }
}
