/** Values of covered components: fields (RFC 9421 §2.1) and derived components (§2.2) (SIG-18 to SIG-22, SIG-N01). */
import { combinedHeader, type ReceivedRequest } from '../received-request.ts';

const derivedComponents: Readonly<Record<string, (exchange: ReceivedRequest) => string>> = {
  '@method': ({ method }) => method,
  '@target-uri': ({ targetUri }) => targetUri,
  '@authority': ({ targetUri }) => new URL(targetUri).host,
  '@scheme': ({ targetUri }) => targetUri.slice(0, targetUri.indexOf(':')).toLowerCase(),
  '@request-target': ({ rawTarget }) => rawTarget,
  '@path': ({ targetUri }) => pathOf(targetUri).split('?', 1)[0]!,
  '@query': ({ targetUri }) => {
    const path = pathOf(targetUri);
    const mark = path.indexOf('?');
    return mark < 0 ? '?' : path.slice(mark);
  },
};

/**
 * True for a lower-case field name and for the derived components of requests that take no parameters. A field that the
 * request lacks is rejected later, as `covered_header_absent`.
 */
export function isSupportedComponent(name: string): boolean {
  return name.startsWith('@') ? Object.hasOwn(derivedComponents, name) : /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name);
}

/** Value of a supported component, or undefined when the request lacks that field. */
export function componentValue(exchange: ReceivedRequest, name: string): string | undefined {
  return name.startsWith('@') ? derivedComponents[name]?.(exchange) : combinedHeader(exchange, name);
}

/** Path and query as received; the URL parser would normalise them. */
function pathOf(targetUri: string): string {
  const path = targetUri.slice(targetUri.indexOf('/', targetUri.indexOf('://') + 3));
  return path.startsWith('/') ? path : '/';
}
