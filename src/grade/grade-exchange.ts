/** Makes the record of an exchange what judges see: content parsed once, signature explained, secrets masked. */
import { combinedHeader, headerLines } from '../http/received-request.ts';
import type { RecordedKey } from '../http/recorded-exchange.ts';
import type { TracedExchange } from '../http/request-trace.ts';
import { parseJson } from '../net/read-json.ts';
import type { WireSwitches } from '../profile.ts';
import { candidateKeys } from './describe-exchange.ts';
import { explainSignature, type SignatureExplanation } from './explain-signature.ts';
import type { GradedExchange } from './graded-exchange.ts';
import { createMasker, type Masker } from './mask-secrets.ts';

export interface GradingContext {
  readonly switches: WireSwitches;
  /** Origins under which a client may know the servers. */
  readonly origins: readonly string[];
  /** Secrets of the run that are in no exchange. */
  readonly secrets: readonly string[];
  /** Keys that may have signed an exchange for which no key was looked up. */
  knownKeys(exchange: TracedExchange): readonly RecordedKey[];
}

/** Operations that only servers call. */
const privateOperations = new Set([
  'introspect-token',
  'get-interaction',
  'accept-interaction',
  'reject-interaction',
  'reject-unknown-decision',
]);

/** True for requests of the ASEs to each other and to themselves, and of identity providers, which are not graded. */
export const isServerRequest = ({ request, summary: { operation } }: TracedExchange): boolean =>
  privateOperations.has(operation) || request.isFromServer === true;

export function gradeExchange(exchange: TracedExchange, context: GradingContext): GradedExchange {
  const { summary, request, reply, keys, pathSecrets } = exchange;
  const answer = reply && { headers: reply.headers, body: reply.content ?? '' };
  let masker: Masker | undefined;
  let signature: SignatureExplanation | undefined;
  const maskerOf = () => (masker ??= createMasker({ request, answer, secrets: [...pathSecrets, ...context.secrets] }));
  const keysOf = () => (keys.length > 0 ? keys : context.knownKeys(exchange));
  const { receivedAt, answeredAt, httpVersion, isBodyUnread, params } = exchange;
  return {
    id: summary.id,
    ase: summary.ase,
    operation: summary.operation,
    params,
    receivedAt,
    answeredAt,
    httpVersion,
    request,
    isBodyUnread,
    token: readToken(headerLines(request, 'authorization')),
    status: summary.status,
    reply,
    get keys() {
      return keysOf();
    },
    keySet: exchange.keySet,
    refusal: summary.refusal,
    body: parseJson(request.body),
    answer: parseJson(Buffer.from(reply?.content ?? '')),
    lenient: summary.lenient,
    get signature() {
      signature ??= explainSignature({
        request,
        keys: candidateKeys({ keys: keysOf() }),
        origins: context.origins,
        switches: context.switches,
        now: receivedAt,
        masker: maskerOf(),
      });
      return signature;
    },
    masked: (text) => maskerOf().text(text),
    maskedField(name) {
      const value = combinedHeader(request, name);
      return value === undefined ? undefined : maskerOf().header(name, value);
    },
    secrets: () => maskerOf().secrets,
  };
}

const readToken = ([line, ...others]: readonly string[]): string | undefined =>
  others.length > 0 ? undefined : /^GNAP +([\x21-\x7e]+)$/i.exec(line ?? '')?.[1];
