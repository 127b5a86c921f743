/** Cross-origin requests of browsers (Fetch standard, CORS protocol; RS-21, WA-26). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SentReply } from './reply.ts';
import { sendReply } from './send-reply.ts';

export const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Location, Retry-After',
};

/** True for a CORS preflight. A path with an OPTIONS operation still serves other OPTIONS requests (AS-16). */
export const isPreflight = ({ method, headers }: IncomingMessage, methods: readonly string[]): boolean =>
  method === 'OPTIONS' && (!methods.includes('OPTIONS') || headers['access-control-request-method'] !== undefined);

export function sendPreflight(
  req: IncomingMessage,
  res: ServerResponse,
  methods: readonly string[],
): Promise<SentReply | undefined> {
  const requested = req.headers['access-control-request-headers'];
  const allowed = [...new Set([...methods, 'OPTIONS'])].join(', ');
  return sendReply(
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
