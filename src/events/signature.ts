/** The signature of a webhook event, under Rafiki's name and in its form (EVT-03). */
import { createHmac } from 'node:crypto';

/**
 * Value of `Rafiki-Signature`: `t` is the wall time in milliseconds, `v1` the hex HMAC-SHA256 of it, a dot and the
 * event in canonical JSON.
 */
export function signEvent(secret: string, wallNow: number, canonicalEvent: string): string {
  const digest = createHmac('sha256', secret).update(`${wallNow}.${canonicalEvent}`).digest('hex');
  return `t=${wallNow}, v1=${digest}`;
}
