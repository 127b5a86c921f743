/** The signatures of a run: values that must not occur twice. */
import { hash } from 'node:crypto';
import { combinedHeader } from '../../http/received-request.ts';
import { isOptionallySigned, mustSign, signingKeyOf } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { signatureFieldsOf } from '../signature-fields.ts';
import { BoundedMap } from './bounded-map.ts';

export interface SignatureFacts {
  observe(exchange: GradedExchange): void;
  /** A signature without a nonce was seen. */
  readonly lacksNonce: boolean;
  /** Number of the exchange whose signature had this nonce. */
  exchangeWithNonce(nonce: string): number | undefined;
  /** When the first signature with this `created` was received, in milliseconds. */
  firstWithCreated(created: number): number | undefined;
  /** The first exchange with the same signature. */
  sameSignature(exchange: GradedExchange): { readonly id: number; readonly receivedAt: number } | undefined;
  /** True if a request with this method, URL and content was seen. */
  isRepetition(exchange: GradedExchange): boolean;
  /** Signed exchanges that need no signature, at most a hundred. */
  readonly optional: readonly GradedExchange[];
  /** The ASEs that have seen a key, by its `x`. */
  asesOfKey(x: string): ReadonlySet<string>;
  /** A key was seen by two ASEs. */
  readonly sharesKey: boolean;
  /** ASEs to which signed requests were sent. */
  readonly ases: ReadonlySet<string>;
}

const MAX_OPTIONAL = 100;
/** Values of each kind, so that a long run needs bounded memory. */
const MAX_REMEMBERED = 20_000;

/** Identifies method, URL and content of a request. */
const attemptOf = ({ request }: GradedExchange): string =>
  `${request.method} ${request.targetUri} ${hash('sha256', request.body)}`;

class SignatureState implements SignatureFacts {
  lacksNonce = false;
  sharesKey = false;
  readonly ases = new Set<string>();
  readonly optional: GradedExchange[] = [];
  private readonly nonces = new BoundedMap<string, number>(MAX_REMEMBERED);
  private readonly created = new BoundedMap<number, number>(MAX_REMEMBERED);
  private readonly signatures = new BoundedMap<string, { id: number; receivedAt: number }>(MAX_REMEMBERED);
  private readonly attempts = new BoundedMap<string, true>(MAX_REMEMBERED);
  private readonly keys = new BoundedMap<string, Set<string>>(MAX_REMEMBERED);

  exchangeWithNonce(nonce: string): number | undefined {
    return this.nonces.get(nonce);
  }

  firstWithCreated(created: number): number | undefined {
    return this.created.get(created);
  }

  sameSignature({ request }: GradedExchange): { id: number; receivedAt: number } | undefined {
    return this.signatures.get(combinedHeader(request, 'signature') ?? '');
  }

  isRepetition(exchange: GradedExchange): boolean {
    return this.attempts.has(attemptOf(exchange));
  }

  asesOfKey(x: string): ReadonlySet<string> {
    return this.keys.get(x) ?? new Set();
  }

  observe(exchange: GradedExchange): void {
    if (isOptionallySigned(exchange) && this.optional.length < MAX_OPTIONAL) this.optional.push(exchange);
    if (!mustSign(exchange)) return;
    const { id, ase, receivedAt, request } = exchange;
    this.attempts.set(attemptOf(exchange), true);
    const signature = combinedHeader(request, 'signature');
    if (signature !== undefined && !this.signatures.has(signature)) this.signatures.set(signature, { id, receivedAt });
    const { member } = signatureFieldsOf(exchange);
    if (!member) return;
    const nonce = member.parameters.get('nonce');
    if (!nonce) this.lacksNonce = true;
    else if (!this.nonces.has(String(nonce.value))) this.nonces.set(String(nonce.value), id);
    const created = member.parameters.get('created')?.value;
    if (typeof created === 'number' && !this.created.has(created)) this.created.set(created, receivedAt);
    this.ases.add(ase);
    this.observeKey(exchange);
  }

  private observeKey(exchange: GradedExchange): void {
    const x = signingKeyOf(exchange)?.jwk.x;
    if (x === undefined) return;
    const ases = this.keys.get(x) ?? new Set();
    ases.add(exchange.ase);
    this.keys.set(x, ases);
    if (ases.size > 1) this.sharesKey = true;
  }
}

export const createSignatures = (): SignatureFacts => new SignatureState();
