/** Which URLs can become wallet addresses of an ASE (WA-19, WA-21, WA-22, WA-23, AMB-20). */
import { Problem } from '../errors.ts';
import { canonicalPath } from '../open-payments/wallet-address-url.ts';
import { instancePath, rootPath } from './path.ts';

export interface WalletAddressRules {
  /** Origin of the ASE, without trailing slash. */
  readonly origin: string;
  /** For tests on this machine: plain http and ports are fine (AMB-20). */
  readonly local: boolean;
}

/** Names that the ASE's own endpoints begin with or end in. */
export const reservedSegments: ReadonlySet<string> = new Set([
  // Resource server
  'incoming-payments',
  'outgoing-payments',
  'outgoing-payment-grant',
  'quotes',
  // Wallet address server
  'jwks.json',
  'did.json',
  // Authorization server, also where it has an origin of its own
  'auth',
  'continue',
  'discovery',
  'token',
  'interact',
  // Consent pages, connector, health
  'idp',
  'ilp',
  'livez',
  'readyz',
]);

/**
 * Path and canonical URL of a new wallet address, given as a URL or a payment pointer. Throws `invalid_request` for
 * what is no wallet address, belongs to another origin, or collides with an endpoint.
 */
export function parseNewWalletAddress(
  text: string,
  { origin, local }: WalletAddressRules,
): { readonly path: string; readonly url: string } {
  const [, scheme, authority, rest = ''] = WEB_ADDRESS.exec(resolvePaymentPointer(text)) ?? [];
  if (scheme === undefined || authority === undefined) throw refuse('not an http or https URL, or not in ASCII');
  if (authority.includes('@')) throw refuse('a wallet address has no user information');
  if (/[?#]/.test(rest)) throw refuse('a wallet address has no query and no fragment');
  if (!local && scheme.toLowerCase() !== 'https') throw refuse('a wallet address is an https URL');
  if (!local && authority.includes(':')) throw refuse('a wallet address has no port');
  if (URL.parse(`${scheme}://${authority}`)?.origin !== origin) throw refuse('the wallet address is of another origin');
  const path = rest === '' || rest === '/' ? rootPath : canonicalPath(rest);
  checkPath(path);
  return { path, url: origin + path };
}

/** Scheme, authority, and what follows; printable ASCII only. */
const WEB_ADDRESS = /^(https?):\/\/([!-.0->@-~]+)(\/[!-~]*|[?#][!-~]*)?$/i;

/** `$host/path` → `https://host/path` (ILP-0026). */
const resolvePaymentPointer = (text: string): string => (text.startsWith('$') ? `https://${text.slice(1)}` : text);

function checkPath(path: string): void {
  if (path === rootPath) return;
  const segments = path.split('/').slice(1);
  // No percent-encoding, so that one address has one spelling.
  if (segments.some((segment) => !/^[a-z0-9._~!$&'()*+,;=:@-]+$/.test(segment) || /^\.\.?$/.test(segment))) {
    throw refuse('the path has characters that a wallet address cannot have');
  }
  const reserved = segments.find((segment) => reservedSegments.has(segment));
  if (reserved !== undefined) throw refuse(`"${reserved}" is an endpoint of this ASE`);
  if (path === instancePath || segments[0] === '.well-known') throw refuse('/.well-known belongs to the ASE');
  if (path.length > 500) throw refuse('the path is too long');
}

const refuse = (description: string): Problem => new Problem('invalid_request', { description });
