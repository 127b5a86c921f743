/** The exchanges of a run, as judges see them. */

import type { ReceivedRequest } from '../http/received-request.ts';
import type { RecordedKey } from '../http/recorded-exchange.ts';
import type { SentReply } from '../http/reply.ts';
import type { FetchedKeySet } from '../http/signatures/client-keys.ts';
import type { SignatureExplanation } from './explain-signature.ts';

/** One recorded exchange. It contains secrets: findings quote it only through `masked`. */
export interface GradedExchange {
  /** Its number in the trace of the world. */
  readonly id: number;
  readonly ase: string;
  /**
   * An operationId of the documents, those of the identity provider included;
   * `unknown` for a path or method that none of them has, `preflight` for one of CORS.
   */
  readonly operation: string;
  /** Values of the parameters of its path. */
  readonly params: Readonly<Record<string, string>>;
  /** Wall time in milliseconds, see `RecordedExchange`. */
  readonly receivedAt: number;
  readonly answeredAt: number;
  readonly httpVersion: string;
  readonly request: ReceivedRequest;
  /** Null if the connection ended instead of an answer. */
  readonly status: number | null;
  readonly reply: SentReply | undefined;
  /** The key that was looked up, or else those that other exchanges of the run showed, and then others of its set. */
  readonly keys: readonly RecordedKey[];
  /** The key set that was consulted, as it was fetched. */
  readonly keySet: FetchedKeySet | undefined;
  /** Problem code, and why, if the server refused. */
  readonly refusal: { readonly code: string; readonly reason: string } | undefined;
  /** The request announced content that was not read: that of `request` is empty, and `body` undefined. */
  readonly isBodyUnread: boolean;
  /** The token of `Authorization: GNAP`; the scheme ignores case. */
  readonly token: string | undefined;
  /** The content of the request, parsed once. Undefined if there is none, or if it is not JSON. */
  readonly body: unknown;
  /** The content of the answer, parsed once. */
  readonly answer: unknown;
  /** Deviations that the server tolerated. */
  readonly lenient: readonly string[];
  /** Computed when it is first read. */
  readonly signature: SignatureExplanation;
  /** A text of this exchange without secrets. */
  masked(text: string): string;
  /** A field of the request without secrets; undefined if it is absent. The form of a signature stays visible. */
  maskedField(name: string): string | undefined;
  /** The secrets themselves, so that no text of the run shows them. */
  secrets(): readonly string[];
}

/** An ASE of the world, with the URLs that its documents publish, without a trailing slash. */
export interface GradedAse {
  readonly name: string;
  readonly walletAddressServer: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly identityProvider: string;
}
