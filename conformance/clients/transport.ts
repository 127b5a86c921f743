/** Sends one HTTP request byte for byte as it is given, and follows no redirect. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Message } from './signing.ts';

export interface Answer {
  readonly status: number;
  /** Names in lower case; lines of the same name are joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** Undefined if the content is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: every use guards the members that it reads
  readonly json: any;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1 << 20;

export interface Transport {
  send(message: Message): Promise<Answer>;
  close(): void;
}

export interface TransportOptions {
  /** A certificate authority in PEM, in place of those of the machine. */
  readonly authority?: string | undefined;
  /** False accepts any certificate. A good client never does. */
  readonly verifies?: boolean;
  /** Milliseconds without a byte after which a request fails, ten seconds if absent. */
  readonly timeoutMs?: number | undefined;
  /** Ends all requests. */
  readonly signal?: AbortSignal | undefined;
}

export function createTransport(settings: TransportOptions): Transport {
  const { authority, verifies = true, timeoutMs = TIMEOUT_MS, signal } = settings;
  const options = { keepAlive: true, timeout: timeoutMs };
  const agents = {
    http: new HttpAgent(options),
    https: new HttpsAgent({ ...options, ...(authority && { ca: authority }), rejectUnauthorized: verifies }),
  };
  return {
    send({ method, url, headers, body }) {
      const [, scheme, authorityPart, target] = /^(https?):\/\/([^/?#]+)([^#]*)/.exec(url) ?? [];
      if (scheme === undefined) throw new Error(`not an http(s) URL: ${url}`);
      const { hostname, port } = new URL(`${scheme}://${authorityPart}`);
      const secure = scheme === 'https';
      return new Promise<Answer>((resolve, reject) => {
        const request = (secure ? httpsRequest : httpRequest)({
          agent: secure ? agents.https : agents.http,
          host: hostname.replace(/^\[|\]$/g, ''),
          port: port || (secure ? 443 : 80),
          method,
          path: target!.startsWith('/') ? target : `/${target}`,
          headers: Object.fromEntries(headers),
          timeout: timeoutMs,
          ...(signal && { signal }),
        });
        request.on('response', (response) => void readAnswer(response).then(resolve, reject));
        request.on('timeout', () => request.destroy(new Error('no answer in time')));
        request.on('error', reject);
        request.end(body);
      });
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    if (length > MAX_BYTES) throw new Error('the answer is larger than a mebibyte');
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  const headers = new Map(Object.entries(response.headersDistinct).map(([name, lines]) => [name, lines!.join(', ')]));
  return { status: response.statusCode!, headers, text, json: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
