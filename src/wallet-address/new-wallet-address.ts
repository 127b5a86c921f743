/** Validation of the URLs of new wallet addresses of an ASE (WA-19…23, AMB-20). */
import { Problem } from '../errors.ts';
import { canonicalPath } from '../open-payments/wallet-address-url.ts';
import { rootPath } from './path.ts';

export interface WalletAddressRules {
  /** Origin of the ASE, without trailing slash. */
  readonly origin: string;
  /** Allows http and ports, for tests on this machine (AMB-20). */
  readonly local: boolean;
}

/** First or last path segments of the ASE's endpoints. */
export const reservedSegments: ReadonlySet<string> = new Set([
  // Resource server
  'incoming-payments',
  'outgoing-payments',
  'outgoing-payment-grant',
  'quotes',
  // Wallet address server
  'jwks.json',
  'did.json',
  // Authorization server, including a separate origin
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
 * Path and canonical URL of a new wallet address from a URL or a payment pointer. Throws `invalid_request` if the text
 * is not a wallet address, belongs to another origin or collides with an endpoint.
 */
export function parseNewWalletAddress(
  text: string,
  { origin, local }: WalletAddressRules,
): { readonly path: string; readonly url: string } {
  const [, scheme, authority, rest = ''] = WEB_ADDRESS.exec(resolvePaymentPointer(text)) ?? [];
  if (scheme === undefined || authority === undefined) throw invalid('not an http or https URL, or not in ASCII');
  if (authority.includes('@')) throw invalid('a wallet address must not contain user information');
  if (/[?#]/.test(rest)) throw invalid('a wallet address must not contain a query or fragment');
  if (!local && scheme.toLowerCase() !== 'https') throw invalid('a wallet address must be an https URL');
  if (!local && authority.includes(':')) throw invalid('a wallet address must not contain a port');
  if (URL.parse(`${scheme}://${authority}`)?.origin !== origin)
    throw invalid('the wallet address belongs to another origin');
  const path = rest === '' || rest === '/' ? rootPath : canonicalPath(rest);
  checkPath(path);
  return { path, url: origin + path };
}

/** Scheme, authority and the rest, in printable ASCII. */
const WEB_ADDRESS = /^(https?):\/\/([!"$-.0->@-~]+)(\/[!-~]*|[?#][!-~]*)?$/i;

/** `$host/path` → `https://host/path` (ILP-0026). */
const resolvePaymentPointer = (text: string): string => (text.startsWith('$') ? `https://${text.slice(1)}` : text);

function checkPath(path: string): void {
  if (path === rootPath) return;
  const segments = path.split('/').slice(1);
  // No percent-encoding, so that each address has a single spelling.
  if (segments.some((segment) => !/^[a-z0-9._~!$&'()*+,;=:@-]+$/.test(segment) || /^\.\.?$/.test(segment))) {
    throw invalid('the path has characters that a wallet address must not contain');
  }
  const reserved = segments.find((segment) => reservedSegments.has(segment));
  if (reserved !== undefined) throw invalid(`"${reserved}" is an endpoint of this ASE`);
  if (segments[0] === '.well-known') throw invalid('/.well-known belongs to the ASE');
  if (path.length > 500) throw invalid('the path is too long');
}

const invalid = (description: string): Problem => new Problem('invalid_request', { description });
