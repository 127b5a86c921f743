/** The evidence of a run under a probe: the requests of the client, and what its command printed. Without secrets. */
import type { ReceivedRequest } from '../http/received-request.ts';
import type { TracedExchange } from '../http/request-trace.ts';
import type { WireSwitches } from '../profile.ts';
import { type DescribedExchange, describeExchange } from './describe-exchange.ts';
import { isServerRequest } from './grade-exchange.ts';
import { createMasker, MIN_DISTINCT_LENGTH } from './mask-secrets.ts';
import { withoutSecrets } from './without-secrets.ts';

/** The record of the world of a run. */
export interface EvidenceSource {
  /** All recorded exchanges, in order. */
  readonly exchanges: readonly TracedExchange[];
  /** Origins under which clients know the servers. */
  readonly origins: readonly string[];
  readonly switches: WireSwitches;
  /** Secrets of the world, those in no exchange included. */
  readonly secrets: readonly string[];
}

export interface EvidenceWanted {
  /** Numbers of the exchanges that decided. */
  readonly decisive: readonly number[];
  /** Most exchanges; the newest besides those that decided. */
  readonly most: number;
  /** Everything that the command printed. */
  readonly output: string;
}

export interface RunEvidence {
  readonly exchanges: readonly DescribedExchange[];
  readonly omitted: number;
  readonly output: string;
}

/** Characters at the beginning and at the end of what a command printed. */
const OUTPUT_START = 1500;
const OUTPUT_END = 2500;

export function gatherEvidence(source: EvidenceSource, { decisive, most, output }: EvidenceWanted): RunEvidence {
  const { exchanges, origins, switches, secrets } = source;
  const ofClient = exchanges.filter((exchange) => !isServerRequest(exchange));
  const isDecisive = ({ summary }: TracedExchange) => decisive.includes(summary.id);
  const decided = ofClient.filter(isDecisive).slice(0, most);
  const others = ofClient.filter((exchange) => !isDecisive(exchange)).toReversed();
  const kept = new Set([...decided, ...others.slice(0, most - decided.length)]);
  const all = [...secrets, ...exchanges.flatMap(secretsOf)].filter(({ length }) => length >= MIN_DISTINCT_LENGTH);
  const evidence = {
    exchanges: ofClient
      .filter((exchange) => kept.has(exchange))
      .map((exchange) => describeExchange(exchange, origins, switches)),
    omitted: ofClient.length - kept.size,
    output: maskPrivateKeys(output),
  };
  const masked = withoutSecrets(evidence, all);
  // Shortened at last, so that no part of a secret is left at the ends.
  return { ...masked, output: shorten(masked.output) };
}

/** The secrets that display hides, and the signatures and cookies, of which display leaves the form. */
function secretsOf({ request, reply, pathSecrets }: TracedExchange): string[] {
  const answer = reply && { headers: reply.headers, body: reply.content ?? '' };
  const values = (headers: ReceivedRequest['rawHeaders'], name: RegExp) =>
    headers.flatMap(([each, value]) => (name.test(each) ? value : []));
  const signatures = values(request.rawHeaders, /^signature$/i).flatMap((value) =>
    (value.match(/[\w+/-]+=*/g) ?? []).filter(({ length }) => length >= 40),
  );
  const cookies = values(Object.entries(reply?.headers ?? {}), /^set-cookie$/i).map(
    (value) => /=([^;]*)/.exec(value)?.[1] ?? '',
  );
  return [...createMasker({ request, answer, secrets: pathSecrets }).secrets, ...signatures, ...cookies];
}

/** Private keys that a client made, which no server knows: in PEM, and as the member `d` of a JSON Web Key. */
const maskPrivateKeys = (text: string): string =>
  text
    .replaceAll(/(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?=-----END|$)/g, '$1…')
    .replaceAll(/("d" *: *")[\w+/=-]{16,}(?=")/g, '$1…');

function shorten(text: string): string {
  const omitted = text.length - OUTPUT_START - OUTPUT_END;
  if (omitted <= 0) return text;
  return `${text.slice(0, OUTPUT_START)}\n(${omitted} characters left out)\n${text.slice(-OUTPUT_END)}`;
}
