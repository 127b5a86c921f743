/**
 * Spans of the program's work: operations of its servers, database transactions and attempts of outgoing payments. They
 * go to a diagnostics channel, and from there to OpenTelemetry if tracing is on (`otlp.ts`); otherwise the work
 * runs as if this file did not exist.
 */
import { tracingChannel } from 'node:diagnostics_channel';

/**
 * Attributes by the names of OpenTelemetry's semantic conventions, where they have one. The list is closed, so that no
 * token, key, URL of a person or amount ever gets into a trace: an attribute is a name from the program's own text, a
 * number, or the random id of a payment.
 */
export interface SpanAttributes {
  'http.request.method'?: string;
  /** Path of the operation in its document, with the names of its parameters. */
  'http.route'?: string;
  'http.response.status_code'?: number;
  'db.system.name'?: string;
  'touchstone.server'?: string;
  'touchstone.operation'?: string;
  /** Random, and not the URL. */
  'touchstone.payment.id'?: string;
  'touchstone.payment.attempt'?: number;
  'touchstone.payment.outcome'?: string;
}

export interface Span {
  readonly kind: 'server' | 'client' | 'internal';
  readonly name: string;
  readonly attributes: SpanAttributes;
}

export const spanChannel = tracingChannel<unknown, Span>('touchstone:span');

/** Does `work` in a span, which ends with it. Attributes can be added to the span until then. */
export const inSpan = <Result>(span: Span, work: () => Promise<Result>): Promise<Result> =>
  spanChannel.tracePromise(work, span);
