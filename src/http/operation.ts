/**
 * The types that connect generated routes to handlers: one OpenAPI operation (OpenAPI 3.1 §4.8.10). With
 * `const handlers = {…} satisfies Handlers<Context>`, a missing or surplus handler, an undeclared status, an error code
 * that is illegal at its status, and a wrong body are compile-time errors.
 */

/** One row of a generated route table. `path` is the OpenAPI template (`/quotes/{id}`), `responses` every declared status. */
export interface Route<Id extends string = string> {
  readonly operationId: Id;
  readonly tags: readonly string[];
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly path: string;
  /** Names of security schemes, any of which admits a caller. */
  readonly security: readonly string[];
  /** True if the document describes a request body. Content of other requests counts only for its digest. */
  readonly hasBody: boolean;
  readonly responses: readonly number[];
}

/** Drops `readonly` everywhere, so that a plain object literal is a body. */
export type Writable<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

type JsonOf<Content> = Content extends { 'application/json': infer Body } ? Body : never;
type FormOf<Content> = Content extends { 'application/x-www-form-urlencoded': infer Body } ? Body : never;
type HtmlOf<Content> = Content extends { 'text/html': infer Body } ? Body : never;
type BodyOf<Content> = JsonOf<Content> | FormOf<Content> | HtmlOf<Content>;

type RequestBody<Op> = Op extends { requestBody: { content: infer Content } }
  ? BodyOf<Content>
  : Op extends { requestBody?: { content: infer Content } }
    ? BodyOf<Content> | undefined
    : undefined;

type Parameters<Op, Place extends 'path' | 'query'> = Op extends { parameters: infer All }
  ? Place extends keyof All
    ? [Exclude<All[Place], undefined>] extends [never]
      ? Record<never, never>
      : Exclude<All[Place], undefined>
    : Record<never, never>
  : Record<never, never>;

/** Path and query parameters and the body of a request, already valid against the document. */
export interface OperationRequest<Op> {
  readonly params: Readonly<Parameters<Op, 'path'>>;
  readonly query: Readonly<Parameters<Op, 'query'>>;
  readonly body: Writable<RequestBody<Op>>;
}

/** The error body of all documents; `Code` is the union of the codes that the document allows at that status. */
export interface ErrorBody<Code extends string = string> {
  error: { code: Code; description: string; details?: Record<string, unknown> };
}

type ReplyBody<Response, Status, Codes> = Status extends keyof Codes
  ? { body: ErrorBody<Codes[Status] & string> }
  : Response extends { content: infer Content }
    ? [BodyOf<Content>] extends [never]
      ? { body?: undefined }
      : { body: Writable<BodyOf<Content>> }
    : { body?: undefined };

/** A reply with one of the declared statuses; error bodies are limited to the codes in `Codes[status]`. */
export type OperationReply<Op, Codes = Record<never, never>> = Op extends { responses: infer Responses }
  ? {
      [Status in keyof Responses & number]: {
        status: Status;
        headers?: Record<string, string>;
      } & ReplyBody<Responses[Status], Status, Codes>;
    }[keyof Responses & number]
  : never;

/** Serves one operation. A thrown error is rendered by the server. */
export type Handler<Op, Codes, Context> = (
  context: Context,
  request: OperationRequest<Op>,
) => Promise<OperationReply<Op, Codes>>;

type DeclaredError<Op> = Op extends { responses: infer Responses }
  ? Exclude<keyof Responses & number, 200 | 201 | 202 | 204 | 302>
  : never;

/**
 * The error statuses that a server answers, by operation. `satisfies AnsweredErrors<operations>` is a compile-time error
 * where the document does not declare one of them.
 */
export type AnsweredErrors<Operations> = {
  readonly [Id in keyof Operations]: readonly DeclaredError<Operations[Id]>[];
};
