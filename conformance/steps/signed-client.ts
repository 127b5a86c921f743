/**
 * The client of a run: sends one request, signed as the official client signs unless a check asks for something else,
 * and holds every answer against its document (CT-09).
 */
import { createHeaders } from '@interledger/http-signature-utils';
import type { Capability } from '../runner/capability.ts';
import type { Redaction } from '../runner/redaction.ts';
import type { Identity } from '../runner/target.ts';
import { branchesTaken, findOperation, judgeAnswer, type Operations } from '../runner/validation.ts';
import { type ExchangeLimits, exchange, type HeaderLine, type Received, type Sent } from './http-exchange.ts';
import { type SignatureOptions, signRequest } from './message-signature.ts';

export interface Call {
  /**
   * operationId of the operation addressed; its document judges the answer. If absent, method and URL tell which one it
   * is, except at the base path of a server. With `null` the answer is not judged.
   */
  readonly operation?: string | null;
  readonly method?: string;
  readonly url: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
  /** Default `application/json` when there is a body; `null` sends none. */
  readonly contentType?: string | null;
  /** Sent as `Authorization: GNAP <token>`. */
  readonly token?: string | undefined;
  readonly headers?: readonly HeaderLine[];
  /** Value of `Accept`; default `application/json`. */
  readonly accept?: string;
  /** `false`: unsigned. An identity: signed as usual, by this client. Options: signed in another way. */
  readonly sign?: false | Identity | SignatureOptions;
  /** Swaps the bytes after signing, so that digest and body part ways. */
  readonly sendInstead?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is foreign data; validators judge its shape, checks its values.
export type Json = any;

export interface Answer extends Received {
  /** The parsed body; `undefined` when there is none or it is not JSON. */
  readonly body: Json;
  readonly sent: Sent;
  /** operationId whose document judges the answer. */
  readonly operation?: string | undefined;
  /** Milliseconds since 1970 at which the request was sent. */
  readonly at: number;
  /** Why the documents do not allow it; undefined if they do, or if it was not judged. */
  readonly violation?: string | undefined;
}

/** Requests of one check: counted, and kept for the report. */
export interface Recorder {
  requests: number;
  /** Answers that the documents do not allow. */
  readonly violations: { message: string; answer: Answer }[];
  /** Capabilities of the target that the check used. */
  readonly needs: Set<Capability>;
  /** Operations with the statuses that they answered, as `get-quote 200`. */
  readonly seen: Set<string>;
  /** The newest answers, at most twenty, without the rest of long bodies. */
  readonly answers: Answer[];
  last: Answer | undefined;
  /** The newest request, while it has no answer. */
  unanswered: Sent | undefined;
  /** The check has ended, and sends nothing any more. */
  isOver: boolean;
}

const MAX_ANSWERS = 20;
/** Bytes of a body that are kept for the report. */
const MAX_KEPT = 64 * 2 ** 10;

/** The answer as the report keeps it. */
export function keepAnswer(answer: Answer): Answer {
  if (answer.bytes.length <= MAX_KEPT) return answer;
  const text = `${answer.text.slice(0, MAX_KEPT)}… (${answer.bytes.length} bytes)`;
  // A part of a buffer would keep all of it.
  return { ...answer, text, bytes: Buffer.from(text), body: undefined };
}

export type SendCall = (call: Call) => Promise<Answer>;

export function createRecorder(): Recorder {
  return {
    requests: 0,
    violations: [],
    needs: new Set(),
    seen: new Set(),
    answers: [],
    last: undefined,
    unanswered: undefined,
    isOver: false,
  };
}

/** Builds `call`. @param identity signs unless the call names another one */
export function createSignedClient(
  identity: Identity,
  operations: Operations,
  redaction: Redaction,
  recorder: Recorder,
  limits?: ExchangeLimits,
): SendCall {
  return async (call) => {
    if (recorder.isOver) throw new Error('the check has ended');
    redaction.hide(call.token, 'TOKEN');
    redaction.observe(call.json);
    const sent = await prepareRequest(call, identity);
    const operation =
      (call.operation === undefined ? findOperation(operations, sent.method, sent.url) : call.operation) ?? undefined;
    const at = Date.now();
    recorder.requests += 1;
    recorder.unanswered = sent;
    const received = await exchange(sent, limits);
    recorder.unanswered = undefined;
    const body = parseJson(received.text);
    redaction.observe(body);
    redaction.observe(received.headers.get('location') ?? undefined);
    const violation = operation ? judgeAnswer(operations, operation, { ...received, body }, sent.method) : undefined;
    const answer: Answer = { ...received, body, sent, operation, violation, at };
    const kept = keepAnswer(answer);
    recorder.last = kept;
    recorder.answers.push(kept);
    if (recorder.answers.length > MAX_ANSWERS) recorder.answers.shift();
    if (violation) recorder.violations.push({ message: violation, answer: kept });
    if (operation) recorder.seen.add(`${operation} ${answer.status}`);
    if (operation && !violation) {
      for (const branch of branchesTaken(operations, operation, answer.status, body)) recorder.seen.add(branch);
    }
    return answer;
  };
}

/** The request as it will leave: headers completed, digest and signature added. */
export async function prepareRequest(call: Call, identity: Identity): Promise<Sent> {
  const text = call.raw ?? (call.json === undefined ? undefined : JSON.stringify(call.json));
  const body = text === undefined ? undefined : Buffer.from(text, 'utf8');
  const method = call.method ?? (body ? 'POST' : 'GET');
  const contentType = call.contentType === undefined ? (body ? 'application/json' : null) : call.contentType;
  const headers: HeaderLine[] = [
    ['accept', call.accept ?? 'application/json'],
    ...(call.token === undefined ? [] : [['authorization', `GNAP ${call.token}`] as const]),
    ...(contentType === null ? [] : [['content-type', contentType] as const]),
    ...(body ? [['content-length', String(body.length)] as const] : []),
    ...(call.headers ?? []),
  ];
  const request = { method, url: call.url, headers, body };
  const signature = await signatureHeaders(request, call, identity, text);
  const wire = call.sendInstead === undefined ? body : Buffer.from(call.sendInstead, 'utf8');
  if (wire && body && wire.length !== body.length)
    throw new Error('sendInstead must keep the length of the signed body');
  return { method, url: call.url, headers: [...headers, ...signature], body: wire };
}

async function signatureHeaders(
  request: { method: string; url: string; headers: readonly HeaderLine[]; body: Buffer | undefined },
  call: Call,
  identity: Identity,
  text: string | undefined,
): Promise<HeaderLine[]> {
  if (call.sign === false) return [];
  const signer = call.sign && 'privateKey' in call.sign ? call.sign : identity;
  const options = call.sign && !('privateKey' in call.sign) ? call.sign : undefined;
  // The library digests re-serialised JSON and assumes its content type: other bodies are signed by ourselves.
  const usualBody = text === undefined || (call.json !== undefined && call.contentType === undefined);
  if (options || !usualBody) return signRequest(request, signer, options ?? {});
  const added = await createHeaders({
    request: {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      ...(text === undefined ? {} : { body: text }),
    },
    privateKey: signer.privateKey,
    keyId: signer.keyId,
  });
  const own = new Set(request.headers.map(([name]) => name.toLowerCase()));
  return Object.entries(added as unknown as Record<string, string>).filter(([name]) => !own.has(name.toLowerCase()));
}

function parseJson(text: string): Json {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
