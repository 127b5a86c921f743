/** Cross-origin requests of browsers (Fetch standard, CORS protocol; RS-21, WA-26). */
import type { Request, Response } from 'express';
import { sendReply } from './send-reply.ts';

export const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Location, Retry-After',
};

/** True for a CORS preflight. A path with an OPTIONS operation still serves other OPTIONS requests (AS-16). */
export const isPreflight = ({ method, headers }: Request, methods: readonly string[]): boolean =>
  method === 'OPTIONS' && (!methods.includes('OPTIONS') || headers['access-control-request-method'] !== undefined);

export function sendPreflight(req: Request, res: Response, methods: readonly string[]): void {
  const requested = req.headers['access-control-request-headers'];
  const allowed = [...new Set([...methods, 'OPTIONS'])].join(', ');
  void sendReply(
    res,
    { status: 204 },
    {
      ...corsHeaders,
      'Access-Control-Allow-Methods': allowed,
      'Access-Control-Allow-Headers':
        requested ?? 'Authorization, Content-Type, Content-Digest, Signature, Signature-Input, Web-Monetization-Id',
      Allow: allowed,
    },
  );
}
