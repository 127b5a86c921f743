/** The grants of a run: how each began, what the server answered, and how it ended (RFC 9635 §1.5). */
import { withoutSlashes } from '../../http/received-request.ts';
import { errorCodeOf, isRepeatable, memberOf, signingKeyOf } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asString, isObject } from '../json.ts';
import { BoundedMap } from './bounded-map.ts';

/** The member `continue` of an answer. */
export interface Continue {
  readonly uri: string;
  readonly token: string;
  /** In seconds. */
  readonly wait: number | undefined;
  readonly exchange: number;
  readonly answeredAt: number;
}

/** The redirect with which an interaction ended. */
export interface FinishRedirect {
  readonly exchange: number;
  readonly at: number;
  readonly reference: string | undefined;
}

export interface GrantRecord {
  /** The exchange that requested it. */
  readonly exchange: number;
  readonly ase: string;
  /** `x` of the key that signed the request, if it is known. */
  readonly key: string | undefined;
  readonly keyid: string | undefined;
  readonly finish: { readonly uri: string | undefined; readonly nonce: string | undefined } | undefined;
  /** The client asked for a subject, and for no token. */
  readonly isForSubject: boolean;
  readonly interactRedirect: string | undefined;
  /** The oldest first. */
  readonly continues: readonly Continue[];
  readonly redirect: FinishRedirect | undefined;
  /** References that were sent and that the server took, with the exchange. */
  readonly sent: ReadonlyMap<string, number>;
  /** The exchange whose answer ended the grant. */
  readonly ended: number | undefined;
  readonly cancelled: number | undefined;
  /** The exchange that answered with a subject and without a token. */
  readonly subjectAnswered: number | undefined;
}

export interface GrantFacts {
  observe(exchange: GradedExchange): void;
  readonly all: readonly GrantRecord[];
  /** The grant to whose continuation URI a request was sent, also if the URI was changed a little. */
  grantContinuedBy(exchange: GradedExchange): GrantRecord | undefined;
  /** The grant to which the token of a request belongs. */
  grantOfToken(token: string | undefined): GrantRecord | undefined;
  grantOfInteraction(exchange: GradedExchange): GrantRecord | undefined;
  /** The exchange in which a reference was sent and taken before. */
  exchangeWithReference(reference: string): number | undefined;
  exchangeWithFinishNonce(nonce: string): number | undefined;
  /** Grants that wait for a person. */
  readonly waiting: readonly GrantRecord[];
  /** A URI of continuation, management or a resource that an answer of this ASE had, by its last segment. */
  uriHandedOut(ase: string, kind: UriKind, id: string): string | undefined;
}

export type UriKind = 'continue' | 'manage' | 'resource';

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

interface KnownGrant extends Mutable<Omit<GrantRecord, 'continues' | 'sent'>> {
  readonly continues: Continue[];
  readonly sent: Map<string, number>;
}

/** Errors after which a grant cannot be continued (RFC 9635 §3.6), unless the answer has `continue`. */
const finalErrors = new Set([
  'user_denied',
  'request_denied',
  'too_many_attempts',
  'invalid_continuation',
  'invalid_interaction',
]);

/** Values of each kind, so that a long run needs bounded memory. */
const MAX_REMEMBERED = 20_000;

/** The last segment of the path, without the query. */
export const lastSegmentOf = (uri: string): string => withoutSlashes(uri.split(/[?#]/)[0]!).split('/').at(-1)!;

class GrantState implements GrantFacts {
  readonly all: KnownGrant[] = [];
  private readonly byContinueUri = new BoundedMap<string, KnownGrant>(MAX_REMEMBERED);
  private readonly byToken = new BoundedMap<string, KnownGrant>(MAX_REMEMBERED);
  private readonly byInteraction = new BoundedMap<string, KnownGrant>(MAX_REMEMBERED);
  private readonly references = new BoundedMap<string, number>(MAX_REMEMBERED);
  private readonly nonces = new BoundedMap<string, number>(MAX_REMEMBERED);
  private readonly uris = new BoundedMap<string, string>(MAX_REMEMBERED);

  grantContinuedBy({ ase, request, params, token }: GradedExchange): KnownGrant | undefined {
    const handedOut = this.uriHandedOut(ase, 'continue', params['id'] ?? lastSegmentOf(request.targetUri));
    const uri = handedOut ?? request.targetUri;
    return this.byContinueUri.get(uri) ?? this.grantOfToken(token);
  }

  grantOfToken(token: string | undefined): KnownGrant | undefined {
    return token === undefined ? undefined : this.byToken.get(token);
  }

  grantOfInteraction({ ase, params }: GradedExchange): KnownGrant | undefined {
    return this.byInteraction.get(`${ase} ${params['id']}`);
  }

  exchangeWithReference(reference: string): number | undefined {
    return this.references.get(reference);
  }

  exchangeWithFinishNonce(nonce: string): number | undefined {
    return this.nonces.get(nonce);
  }

  get waiting(): KnownGrant[] {
    return this.all.filter(
      ({ interactRedirect, redirect, ended, cancelled }) =>
        interactRedirect !== undefined && redirect === undefined && ended === undefined && cancelled === undefined,
    );
  }

  uriHandedOut(ase: string, kind: UriKind, id: string): string | undefined {
    return this.uris.get(`${ase} ${kind} ${id}`);
  }

  observe(exchange: GradedExchange): void {
    const { operation, token, answer } = exchange;
    if (operation === 'post-request') this.observeRequest(exchange);
    else if (operation === 'post-continue' || operation === 'delete-continue') this.observeContinuation(exchange);
    else if (operation === 'start-interaction' || operation === 'finish-interaction') this.observeInteraction(exchange);
    else if (operation === 'post-token') this.observeToken(exchange, this.grantOfToken(token), answer);
    else this.noteResources(exchange);
  }

  private observeRequest(exchange: GradedExchange): void {
    const { id, ase, body, status, answer } = exchange;
    const interact = memberOf(body, 'interact');
    const finish = memberOf(interact, 'finish');
    const nonce = asString(memberOf(finish, 'nonce'));
    const isTaken = nonce !== undefined && !isRepeatable(exchange);
    if (isTaken && !this.nonces.has(nonce)) this.nonces.set(nonce, id);
    if (status !== 200) return;
    const interactRedirect = asString(memberOf(memberOf(answer, 'interact'), 'redirect'));
    const grant: KnownGrant = {
      exchange: id,
      ase,
      key: signingKeyOf(exchange)?.jwk.x,
      keyid: exchange.signature.key?.keyid,
      finish: isObject(finish) ? { uri: asString(finish['uri']), nonce } : undefined,
      isForSubject: isObject(memberOf(body, 'subject')) && memberOf(body, 'access_token') === undefined,
      interactRedirect,
      continues: [],
      redirect: undefined,
      sent: new Map(),
      ended: undefined,
      cancelled: undefined,
      subjectAnswered: undefined,
    };
    this.all.push(grant);
    if (this.all.length > MAX_REMEMBERED) this.all.shift();
    if (interactRedirect !== undefined) this.byInteraction.set(`${ase} ${interactionIdOf(interactRedirect)}`, grant);
    this.observeAnswer(exchange, grant);
  }

  private observeContinuation(exchange: GradedExchange): void {
    const grant = this.grantContinuedBy(exchange);
    const { id, operation, body, status } = exchange;
    if (operation === 'delete-continue') {
      if (grant && status === 204) grant.cancelled ??= id;
      return;
    }
    const reference = asString(memberOf(body, 'interact_ref'));
    if (reference !== undefined && !isRepeatable(exchange)) {
      if (!this.references.has(reference)) this.references.set(reference, id);
      grant?.sent.set(reference, id);
    }
    if (grant) this.observeAnswer(exchange, grant);
  }

  /** An answer to a grant request or a continuation. */
  private observeAnswer(exchange: GradedExchange, grant: KnownGrant): void {
    const { id, ase, answer, answeredAt, status } = exchange;
    const next = memberOf(answer, 'continue');
    const uri = asString(memberOf(next, 'uri'));
    const token = asString(memberOf(memberOf(next, 'access_token'), 'value'));
    if (uri !== undefined && token !== undefined) {
      const wait = memberOf(next, 'wait');
      grant.continues.push({ uri, token, wait: typeof wait === 'number' ? wait : undefined, exchange: id, answeredAt });
      this.byContinueUri.set(uri, grant);
      this.byToken.set(token, grant);
      this.uris.set(`${ase} continue ${lastSegmentOf(uri)}`, uri);
    } else if (!isRepeatable(exchange)) {
      const code = errorCodeOf(exchange);
      if (status === 200 || (code !== undefined && finalErrors.has(code))) grant.ended ??= id;
    }
    this.observeToken(exchange, grant, memberOf(answer, 'access_token'));
    const hasSubject = isObject(memberOf(answer, 'subject')) && memberOf(answer, 'access_token') === undefined;
    if (grant.isForSubject && hasSubject) grant.subjectAnswered ??= id;
  }

  private observeToken({ ase }: GradedExchange, grant: KnownGrant | undefined, token: unknown): void {
    const accessToken = memberOf(token, 'access_token') ?? token;
    const value = asString(memberOf(accessToken, 'value'));
    const manage = asString(memberOf(accessToken, 'manage'));
    if (grant && value !== undefined) this.byToken.set(value, grant);
    if (manage !== undefined) this.uris.set(`${ase} manage ${lastSegmentOf(manage)}`, manage);
  }

  private observeInteraction(exchange: GradedExchange): void {
    const location = exchange.reply?.headers['Location'];
    const grant = this.grantOfInteraction(exchange);
    if (!grant || location === undefined) return;
    const to = URL.parse(location);
    const reference = to?.searchParams.get('interact_ref') ?? undefined;
    const finish = grant.finish?.uri === undefined ? null : URL.parse(grant.finish.uri);
    const isFinish = finish && to && finish.origin === to.origin && finish.pathname === to.pathname;
    if (reference === undefined && !isFinish) return;
    grant.redirect ??= { exchange: exchange.id, at: exchange.answeredAt, reference };
  }

  /** Ids of resources in an answer. */
  private noteResources({ ase, answer, operation }: GradedExchange): void {
    if (!/-(?:incoming-payment|outgoing-payment|quote)s?$/.test(operation)) return;
    const listed = memberOf(answer, 'result');
    for (const resource of Array.isArray(listed) ? listed : [answer]) {
      const id = asString(memberOf(resource, 'id'));
      if (id !== undefined) this.uris.set(`${ase} resource ${lastSegmentOf(id)}`, id);
    }
  }
}

/** The path of the interaction URI ends with the id and a nonce. */
const interactionIdOf = (redirect: string): string | undefined =>
  withoutSlashes(redirect.split(/[?#]/)[0]!).split('/').at(-2);

export const createGrants = (): GrantFacts => new GrantState();
