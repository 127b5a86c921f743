/** A recorded exchange for display: secrets are hidden, and its signature is explained. */
import { setImmediate as turn } from 'node:timers/promises';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { TracedExchange, TracedRequest } from '../http/request-trace.ts';
import { createClientKey } from '../http/signatures/client-keys.ts';
import type { WireSwitches } from '../profile.ts';
import { type CandidateKey, explainSignature, type SignatureExplanation } from './explain-signature.ts';
import { createMasker, type Masker } from './mask-secrets.ts';

/** Header lines, and a body if it is JSON. */
interface Message {
  /** Pairs of name and value. */
  readonly headers: string[][];
  readonly bytes: number;
  /** Null for a body that is not JSON, because its secrets cannot be recognised. */
  readonly body: string | null;
}

export interface DescribedExchange extends Omit<TracedRequest, 'target'> {
  readonly receivedAt: string;
  readonly request: Message & { readonly line: string };
  /** Null if the connection ended instead. */
  readonly response: Message | null;
  readonly signature: SignatureExplanation;
}

export function describeExchange(
  exchange: TracedExchange,
  origins: readonly string[],
  switches: WireSwitches,
): DescribedExchange {
  const { summary, receivedAt, request, reply, pathSecrets } = exchange;
  const { target: _target, ...rest } = summary;
  const answer = reply && { headers: reply.headers, body: reply.content ?? '' };
  const masker = createMasker({ request, answer, secrets: pathSecrets });
  return {
    ...rest,
    receivedAt: new Date(receivedAt).toISOString(),
    request: {
      line: masker.text(`${request.method} ${request.rawTarget} HTTP/${exchange.httpVersion}`),
      ...describeMessage(request.rawHeaders, request.body.toString(), masker),
    },
    response: reply ? describeMessage(Object.entries(reply.headers), reply.content ?? '', masker) : null,
    signature: explainSignature({
      request,
      keys: candidateKeys(exchange),
      origins,
      switches,
      now: receivedAt,
      masker,
    }),
  };
}

/** An explanation can take tens of milliseconds, so other work has its turn after each exchange. */
export async function describeExchanges(
  exchanges: readonly TracedExchange[],
  origins: readonly string[],
  switches: WireSwitches,
): Promise<DescribedExchange[]> {
  const described: DescribedExchange[] = [];
  for (const exchange of exchanges) {
    described.push(describeExchange(exchange, origins, switches));
    await turn();
  }
  return described;
}

const describeMessage = (headers: ReceivedRequest['rawHeaders'], content: string, masker: Masker): Message => ({
  headers: headers.map(([name, value]) => [name, masker.header(name, value)]),
  bytes: Buffer.byteLength(content),
  body: masker.json(content) ?? null,
});

export const candidateKeys = ({ keys }: Pick<TracedExchange, 'keys'>): CandidateKey[] =>
  keys.map(({ jwk, keySet }) => ({
    keyid: jwk.kid,
    key: createClientKey(jwk),
    source: keySet ?? 'the key that the client presented',
  }));
