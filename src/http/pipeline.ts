/**
 * How a request becomes a reply: one function, `serve`, driven by the policy of the operation (`policy.ts`). Read this
 * file first.
 *
 * If several errors apply, the order of the steps in `serve` decides which one is sent. Servers differ in one choice: the
 * authorization server validates the body before the signature (AS-N01), the others authenticate first (RS-14).
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { Problem, RetryLater } from '../errors.ts';
import type { Switches } from '../profile.ts';
import { Malformed, parseBody } from './parse-body.ts';
import { type Policy, policyOf } from './policy.ts';
import { headerLines, headersByName, onlyHeaderLine, type ReceivedRequest } from './received-request.ts';
import { type Reply, serializeBody } from './reply.ts';
import type { RequestNotes } from './request-trace.ts';
import { RequestInvalid, type ValidatedRequest } from './request-validator.ts';
import type { Call, Identity, OperationCall, ReplyCheck, RequestProof, Server, ServerContext } from './server.ts';
import { ClientKeyError, type FetchedKeySet } from './signatures/client-keys.ts';
import { createSignatureBase } from './signatures/signature-base.ts';
import { type ReadSignature, readSignature } from './signatures/signature-input.ts';
import type { Refusal } from './signatures/verdict.ts';
import { checkSignature, singleUseValue } from './signatures/verify.ts';

/** Serves one call; throws a Problem for every error reply. Adds to `notes` what the request trace shows. */
export async function serve<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  call: OperationCall,
  notes: RequestNotes,
): Promise<Reply> {
  const { route, exchange, params } = call;
  const { operationId } = route;
  const policy = policyOf(route);

  // 1 Content, from the raw bytes
  const body = route.hasBody ? resolveAliases(context, parseBody(exchange)) : undefined;

  const validate = async () => {
    const validated = await validateRequest(server, call, body);
    checkUnknownParameters(validated, context, notes);
    return validated;
  };

  // 2 Schema, where the body is validated before authentication
  let request: ValidatedRequest | undefined;
  if (server.validates === 'before-authentication') request = await validate();

  // 3 Credentials and signature parameters
  const isPublic =
    policy.caller === 'public' || (policy.caller === 'public-or-token' && callsPublicly(exchange, context));
  const token = isPublic ? undefined : resolveAliases(context, readToken(exchange));
  if (token === undefined && requiresToken(policy, context.switches) && !isPublic) {
    throw new Problem('missing_authorization');
  }
  const signature = signs(policy) && !isPublic ? expectSignature(exchange, context) : undefined;

  // 4 Caller
  const credentials: RequestProof = {
    exchange,
    policy,
    params,
    body: body instanceof Malformed ? undefined : body,
    token,
    keyid: signature?.keyid ?? '',
  };
  const identity = isPublic ? { caller: undefined as Caller } : await server.identify(credentials);

  // 5 Signature and content digest, with the caller's key
  if (signature) await verifySignature(call, signature, identity, context, notes);

  // 6 Schema, where the caller is authenticated first
  request ??= await validate();

  // 7 Access
  if (!isPublic) server.authorize?.(identity.caller, policy);

  // 8 Handler; its changes commit only with a valid reply
  const toValidReply = createReplyCheck(server, context, operationId);
  const reply = await server.handlers[operationId]!(
    {
      exchange: context.intercept?.resolveTarget(exchange) ?? exchange,
      policy,
      caller: identity.caller,
      signature: signature?.signature,
      ...createChanges(context, toValidReply),
    },
    { params: request.params, query: request.query, body: request.body },
  );

  // 9 Reply
  return toValidReply(reply);
}

/** How a handler changes rows. */
const createChanges = (
  { db }: ServerContext,
  toValidReply: ReplyCheck,
): Pick<Call<unknown>, 'transaction' | 'change' | 'toValidReply'> => ({
  transaction: (work) => db.transaction(async (tx) => toValidReply(await work(tx))),
  async change(reply, makeChange, ...furtherChanges) {
    const valid = toValidReply(reply);
    if (furtherChanges.length === 0) await makeChange(db.query);
    else {
      await db.transaction(async (tx) => {
        for (const make of [makeChange, ...furtherChanges]) await make(tx);
      });
    }
    return valid;
  },
  toValidReply,
});

/** The real names of what an interceptor has renamed. */
export const resolveAliases = <T>({ intercept }: ServerContext, value: T): T => intercept?.resolve(value) ?? value;

async function validateRequest<Caller>(
  server: Server<Caller>,
  { route, exchange, params, query }: OperationCall,
  body: unknown,
): Promise<ValidatedRequest> {
  if (headerLines(exchange, 'content-type').length > 1) {
    throw new Problem('invalid_request', { description: 'Content-Type occurs twice' });
  }
  const headers = headersByName(exchange);
  if (
    body instanceof Malformed &&
    /^application\/(json|x-www-form-urlencoded)\b/i.test(headers['content-type'] ?? '')
  ) {
    if (body.description !== undefined) throw new Problem('malformed_body', { description: body.description });
    throw new Problem('malformed_body');
  }
  try {
    // HEAD is answered as GET (RFC 9110 §9.3.2).
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
    const { operationId, path } = route;
    return await server.validateRequest({ operationId, method, path, params, query, headers, body });
  } catch (error) {
    if (!(error instanceof RequestInvalid)) throw error;
    if (error.status === 415) throw new Problem('unsupported_media_type', { description: error.message });
    throw new Problem('invalid_request', { description: error.message });
  }
}

/** Clients in use send query parameters that an operation does not have (OPI-095). */
function checkUnknownParameters(
  { unknownParameters: [name] }: ValidatedRequest,
  context: ServerContext,
  notes: RequestNotes,
): void {
  if (name === undefined) return;
  if (context.switches.unknownQueryParameters === 'refuse') {
    throw new Problem('invalid_request', { description: `unknown query parameter ${name}` });
  }
  reportLeniency(['unknown_query_parameter'], context, notes);
}

function reportLeniency(lenient: readonly string[], { log }: ServerContext, notes: RequestNotes): void {
  if (lenient.length === 0) return;
  notes.lenient = [...(notes.lenient ?? []), ...lenient];
  log.info({ lenient }, 'accepted leniently');
}

const signs = ({ caller }: Policy): boolean =>
  ['client', 'continuation', 'management', 'token', 'public-or-token'].includes(caller);

const requiresToken = ({ caller }: Policy, switches: Switches): boolean =>
  ['continuation', 'token', 'public-or-token'].includes(caller) ||
  (caller === 'management' && !switches.rotateWithForeignToken);

/** A GET without a token; in `compat` also an unsigned one, whatever token it carries (RS-IP-16). */
function callsPublicly(exchange: ReceivedRequest, { switches }: ServerContext): boolean {
  if (headerLines(exchange, 'authorization').length === 0) return true;
  return switches.publicGetWithForeignToken && headerLines(exchange, 'signature-input').length === 0;
}

/** The token of the only `Authorization: GNAP <token>` line (RFC 9635 §7.2); the scheme ignores case (RS-05). */
function readToken(exchange: ReceivedRequest): string | undefined {
  return /^GNAP +([\x21-\x7e]+)$/i.exec(onlyHeaderLine(exchange, 'authorization') ?? '')?.[1];
}

function expectSignature(exchange: ReceivedRequest, { switches, clock }: ServerContext): ReadSignature {
  const read = readSignature(exchange, switches, clock.wallNow());
  if (!read.ok) throw signatureProblem(read);
  return read;
}

async function verifySignature<Caller>(
  { exchange, route }: OperationCall,
  signature: ReadSignature,
  identity: Identity<Caller>,
  context: ServerContext,
  notes: RequestNotes,
): Promise<void> {
  const { switches, rememberNonce, limits } = context;
  if (!identity.findKey) throw new Error('a signing caller needs a key');
  const clientKey = await identity.findKey().catch((error: unknown) => {
    notes.keySet = keySetOf(error);
    throw error;
  });
  notes.clientKey = clientKey;
  const { key, thumbprint } = clientKey;
  const verdict = checkSignature(exchange, signature, { key, switches });
  if (!verdict.ok) {
    const built = createSignatureBase(exchange, signature.components, signature.signatureParams);
    if (built.ok) notes.signatureBase = built.base;
    throw signatureProblem(verdict);
  }
  await limits?.checkKey(thumbprint, route.operationId, exchange.body.length);
  const once = singleUseValue(signature, switches);
  if (once !== undefined && (await rememberNonce(thumbprint, once))) {
    throw signatureProblem({ ok: false, reason: 'nonce_replayed', detail: 'the nonce was used before' });
  }
  reportLeniency([...(identity.lenient ?? []), ...verdict.lenient], context, notes);
}

/** The set in which a client's key was not found, or is unusable. */
function keySetOf(error: unknown): FetchedKeySet | undefined {
  const cause = error instanceof Problem ? error.cause : error;
  return cause instanceof ClientKeyError ? cause.keySet : undefined;
}

const signatureProblem = ({ reason, detail }: Refusal): Problem =>
  new Problem('invalid_signature', { description: detail, detail: reason });

/** Checks a reply against the document, only once even if it was already checked within a transaction. */
function createReplyCheck<Caller>(
  server: Server<Caller>,
  { tamper, log }: ServerContext,
  operationId: string,
): ReplyCheck {
  const checked = new WeakSet<Reply>();
  return <R extends Reply>(reply: R): R => {
    if (checked.has(reply)) return reply;
    const sent = (tamper?.(operationId, reply) ?? reply) as R;
    checkReply(server, operationId, sent, log);
    checked.add(sent);
    return sent;
  };
}

/** Throws unless the document allows this body at this status. A status that it does not declare is only logged. */
function checkReply<Caller>(server: Server<Caller>, operationId: string, reply: Reply, log: Logger): void {
  const validator = server.responseBody[operationId]?.[reply.status];
  if (validator === undefined) {
    log.warn({ operationId, status: reply.status }, 'undeclared status');
    return;
  }
  const isPage = typeof reply.body === 'string' && reply.headers?.['Content-Type']?.startsWith('text/html');
  if (isPage && server.answersBrowsers) return;
  if (validator === null) {
    if (reply.body === undefined || isPage) return;
    throw new Error(`${operationId} ${reply.status}: the document allows no body`);
  }
  // The body as sent: serialising drops undefined members.
  const body = reply.body === undefined ? undefined : JSON.parse(serializeBody(reply.body));
  if (!validator(body)) {
    const [first] = validator.errors ?? [];
    throw new Error(
      `${operationId} ${reply.status}: invalid body at '${first?.instancePath ?? ''}': ${first?.message ?? ''}`,
    );
  }
}

/** The server's reply to an error, valid against its document. Anything but a Problem is an internal error (RS-24). */
export function renderProblem<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  operationId: string | undefined,
  error: unknown,
  accept?: string,
): Reply {
  const { log } = context;
  const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error });
  const failureId = randomUUID();
  try {
    const reply = server.render(problem, operationId, failureId, accept);
    // An overloaded server refuses too many requests to log each of them.
    const isFailure = reply.status >= 500 && !(problem instanceof RetryLater);
    if (isFailure) log.error({ failureId, operationId, err: problem.cause ?? problem }, 'failed');
    else log.debug({ operationId, status: reply.status, code: problem.code, detail: problem.detail }, 'refused');
    return operationId === undefined ? reply : createReplyCheck(server, context, operationId)(reply);
  } catch (invalid) {
    log.error({ failureId, operationId, code: problem.code, err: invalid }, 'an error reply was invalid');
    return server.render(new Problem('internal_error'), operationId, failureId, accept);
  }
}
