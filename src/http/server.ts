/** The types of a server: its part of the request pipeline, and the arguments of its functions. */
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Database, Queryable, Transaction } from '../database/database.ts';
import type { Problem } from '../errors.ts';
import type { FaultSelector } from '../faults.ts';
import type { Switches } from '../profile.ts';
import type { AseInterceptor } from './interceptor.ts';
import type { LoadShedder } from './load-shedding.ts';
import type { Route } from './operation.ts';
import type { Policy } from './policy.ts';
import type { RateLimiter } from './rate-limits.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { Reply } from './reply.ts';
import type { FinishedCall } from './request-trace.ts';
import type { RequestValidator } from './request-validator.ts';
import type { ServerMark } from './server-mark.ts';
import type { ClientKey } from './signatures/client-keys.ts';

/** Returns the reply as it is sent. Throws if it is invalid. */
export type ReplyCheck = <R extends Reply>(reply: R) => R;

/** Passed to a handler besides the validated request. */
export interface Call<Caller> {
  readonly exchange: ReceivedRequest;
  readonly policy: Policy;
  /** Result of `identify`; undefined for a public call. */
  readonly caller: Caller;
  /** The verified signature; undefined for callers that do not sign. */
  readonly signature: Buffer | undefined;
  /** Runs `work` in one transaction, which commits only if the reply that it returns is valid. */
  readonly transaction: <R extends Reply>(work: (tx: Transaction) => Promise<R>) => Promise<R>;
  /**
   * For a change whose reply is known before: makes it only if the reply is valid. `makeChange` is one statement, which
   * needs no transaction by itself; with further changes, all are made in one.
   */
  readonly change: <R extends Reply>(
    reply: R,
    makeChange: (db: Queryable) => Promise<unknown>,
    ...furtherChanges: readonly ((tx: Transaction) => Promise<unknown>)[]
  ) => Promise<R>;
  /** For a transaction that several calls share: checks the reply before it commits. */
  readonly toValidReply: ReplyCheck;
}

/** The credentials that a request presents, before any of them is looked up. */
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
  /** Deviations from the specification that were accepted in the credentials. */
  readonly lenient?: readonly string[];
}

/** Problems that the pipeline itself detects; the error catalogue of every server has them. */
export type PipelineCode =
  | 'not_found'
  | 'method_not_allowed'
  | 'malformed_body'
  | 'invalid_request'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'body_timeout'
  | 'rate_limited'
  | 'overloaded'
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
  /** Identifies the caller; throws a Problem if the credentials are not valid. */
  readonly identify: (credentials: RequestProof) => Promise<Identity<Caller>>;
  /** Throws a Problem unless the caller may call this operation at all. */
  readonly authorize?: (caller: Caller, policy: Policy) => void;
  /** Replies may be pages where the document declares JSON. */
  readonly answersBrowsers?: true;
  /**
   * Renders a problem in the server's error format. An internal error discloses only `failureId`, under which it is
   * logged. `accept` is the request's header of that name.
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
  /** Remembers the nonce of a verified signature; true if it had been used before (SIG-15). */
  readonly rememberNonce: (keyThumbprint: string, nonce: string) => Promise<boolean>;
  /** Undefined without limits, as on loopback by default. */
  readonly limits?: RateLimiter | undefined;
  /** Undefined for servers that must answer whatever the load, as the control API. */
  readonly load?: LoadShedder | undefined;
  /** For tests: changes a handler's reply before it is validated. */
  readonly tamper?: (operationId: string, reply: Reply) => Reply;
  /** For tests of clients: faults to inject (CT-06). */
  readonly selectFault?: FaultSelector;
  /** For tests of clients: rewrites answers, and names on the wire. */
  readonly intercept?: AseInterceptor | undefined;
  /** Tells requests of the servers of this world from those of clients. */
  readonly serverMark?: ServerMark | undefined;
  /** Receives every finished call (CT-05). */
  readonly trace?: (call: FinishedCall) => void;
}

/** One call of an operation, as received by the router. */
export interface OperationCall {
  readonly route: Route;
  readonly exchange: ReceivedRequest;
  readonly params: Readonly<Record<string, string>>;
  /** Values are strings, or arrays for repeated parameters. */
  readonly query: Record<string, unknown>;
}
