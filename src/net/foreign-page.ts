/** Requests that a browser makes for a page of another site, as it says itself (Fetch Metadata §2, Fetch §3.2). */
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from './loopback.ts';

/**
 * True for a request by a page that need not be the user's: an image, link or form of another origin, or a script of
 * another site that is not on this machine. Clients that are not browsers send none of these headers, and browsers send
 * none of them for an image at a plain http address that is not loopback.
 */
export function isOfForeignPage(headers: IncomingHttpHeaders): boolean {
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  if (site === 'same-origin' || site === 'none') return false;
  if (site === undefined && origin === undefined) return /^Mozilla\//.test(headers['user-agent'] ?? '');
  const isLocal = isLoopback(URL.parse(origin ?? '')?.hostname ?? '');
  return site === undefined ? !isLocal : mode !== 'cors' || !(isLocal || site === 'same-site');
}
