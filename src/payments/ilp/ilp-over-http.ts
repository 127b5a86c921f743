/**
 * ILP over HTTP (ILP-0035), one exchange a packet: `POST /ilp/{assetCode}/{assetScale}`, the asset being what the
 * packet's amount is counted in, with a bearer token of the peer's.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SecureContext } from 'node:tls';
import { assertOutsideTransaction } from '../../database/database.ts';
import type { Asset } from '../../open-payments/amount.ts';
import { parsePrepare } from './ilp-reply.ts';
import { type Link, LinkError } from './link.ts';

const CONTENT_TYPE = 'application/octet-stream';
/** A Prepare or an answer is 32 KiB of data and some hundred bytes. */
const MAX_BYTES = 64 * 1024;

export interface IlpOverHttpLinkOptions {
  /** Origin of the peer's connector, such as `https://marble.example`. */
  readonly origin: string;
  /** Token that authenticates this ASE to the peer. */
  readonly token: string;
  /** Time from the first byte sent to the last byte received. Default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Accepted certificate authorities; default: those of Node.js. */
  readonly trust?: SecureContext;
}

export interface IlpOverHttpLink extends Link {
  /** Closes the idle connections. */
  close(): void;
}

export function createIlpOverHttpLink({
  origin,
  token,
  timeoutMs = 10_000,
  trust,
}: IlpOverHttpLinkOptions): IlpOverHttpLink {
  const isTls = new URL(origin).protocol === 'https:';
  const agent = isTls ? new HttpsAgent({ keepAlive: true, secureContext: trust }) : new HttpAgent({ keepAlive: true });
  return {
    send(asset, prepare, onSent) {
      assertOutsideTransaction('an ILP packet');
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const url = new URL(`/ilp/${encodeURIComponent(asset.code)}/${asset.scale}`, origin);
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': CONTENT_TYPE,
        accept: CONTENT_TYPE,
        'content-length': prepare.length,
      };
      const signal = AbortSignal.timeout(timeoutMs);
      const call = (isTls ? httpsRequest : httpRequest)(url, { method: 'POST', agent, headers, signal }, (response) => {
        readBody(response).then((body) => {
          if (response.statusCode === 200 && body) resolve(body);
          else reject(new LinkError(`the peer answered ${response.statusCode}`));
        }, fail);
      });
      const fail = (cause: unknown) => reject(new LinkError('no answer from the peer', { cause }));
      call.on('error', fail);
      if (onSent) call.on('finish', onSent);
      call.end(prepare);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** Undefined if there is more of it than a packet can have. */
async function readBody(stream: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export interface IlpOverHttpHandlerOptions {
  /** The peer that makes itself known by this token; undefined if none does. */
  readonly identify: (token: string) => string | undefined;
  /** Connector.receive. */
  readonly receive: (peer: string, asset: Asset, prepare: Buffer) => Promise<Buffer>;
  /** Called with each error that became a 500. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Handler of `POST /ilp/{assetCode}/{assetScale}`; `raw` is the body if it has been read already. 200 with a Fulfill or
 * Reject is final. After any other status the peer sends the same packet again, so an internal error during booking,
 * which becomes 500, never turns one packet into two.
 */
export function createIlpOverHttpHandler({ identify, receive, onError }: IlpOverHttpHandlerOptions) {
  return async (req: IncomingMessage, res: ServerResponse, raw?: Buffer): Promise<void> => {
    const end = (status: number, body: Buffer = Buffer.alloc(0), headers: Record<string, string> = {}) => {
      res.writeHead(status, { 'content-length': body.length, ...headers });
      res.end(body);
    };
    const asset = readAsset(req.url ?? '');
    if (!asset) return end(404);
    if (req.method !== 'POST') return end(405, undefined, { allow: 'POST' });
    const token = /^Bearer ([\x21-\x7e]+)$/i.exec(req.headers.authorization ?? '')?.[1];
    const peer = token === undefined ? undefined : identify(token);
    if (peer === undefined) return end(401, undefined, { 'www-authenticate': 'Bearer', connection: 'close' });
    const body = raw ?? (await readBody(req).catch(() => undefined));
    if (!body || body.length > MAX_BYTES) return end(413, undefined, { connection: 'close' });
    if (!parsePrepare(body)) return end(400);
    try {
      end(200, await receive(peer, asset, body), { 'content-type': CONTENT_TYPE });
    } catch (error) {
      onError?.(error);
      end(500);
    }
  };
}

/** The asset in a request-target; undefined if it is another resource. */
function readAsset(target: string): Asset | undefined {
  const [, code, scale] = /^\/ilp\/([A-Za-z0-9._~-]{1,32})\/(0|[1-9][0-9]{0,2})$/.exec(target) ?? [];
  return code === undefined || Number(scale) > 255 ? undefined : { code, scale: Number(scale) };
}
