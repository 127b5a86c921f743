/** Requests and replies of the floor: the headers that the program sends, and nothing else. */
import { createHmac, hash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';

const exposed = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Location, Retry-After',
};

export const noStore = { 'Cache-Control': 'no-store' };

export function sendJson(res: ServerResponse, status: number, body: unknown, headers = noStore as object): void {
  sendText(res, status, JSON.stringify(body), headers);
}

export function sendText(res: ServerResponse, status: number, text: string, headers = noStore as object): void {
  res.writeHead(status, { ...exposed, 'Content-Length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/** Ends a request that the driver never sends. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

export const readBody = (req: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.on('error', reject);
  });

export function bearerToken(req: Request): string {
  const [, token] = /^GNAP (.+)$/.exec(req.headers.authorization ?? '') ?? [];
  if (token === undefined) throw new Refused(401);
  return token;
}

export const digestSecret = (secret: string): string => hash('sha256', secret, 'base64url');
export const newToken = (): string => randomBytes(32).toString('base64url');
export const hmac = (key: Buffer, data: string | Buffer): Buffer => createHmac('sha256', key).update(data).digest();
export const instant = (millis: number): string => new Date(millis).toISOString();
export const amount = (value: string, assetCode: string, assetScale: number) => ({ value, assetCode, assetScale });
