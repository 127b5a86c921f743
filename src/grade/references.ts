/** Links for the citations of the catalogue. */

const rfcs = 'https://www.rfc-editor.org/rfc';
const pointers = 'https://github.com/interledger/rfcs/blob/main/0026-payment-pointers/0026-payment-pointers.md';
const site = 'https://openpayments.dev';

/**
 * The link for a citation: `RFC 9635 §5.1`, `ILP-0026`, `Open Payments docs: concepts/amounts`, an operation as in
 * `Open Payments auth-server post-request`, or a URL. @throws for a citation of an unknown form
 */
export function linkTo(citation: string): string {
  if (/^https:\/\/\S+$/.test(citation)) return citation;
  const [, rfc, section] = /^RFC (\d+) §([\d.]+)$/.exec(citation) ?? [];
  if (rfc) return `${rfcs}/rfc${rfc}#section-${section}`;
  if (citation === 'ILP-0026') return pointers;
  const [, page] = /^Open Payments docs: ([a-z0-9/-]+)$/.exec(citation) ?? [];
  if (page) return `${site}/${page}/`;
  const [, server, operation] =
    /^Open Payments (auth-server|resource-server|wallet-address-server) ([a-z-]+)$/.exec(citation) ?? [];
  if (server) return `${site}/apis/${server}/operations/${operation}/`;
  throw new Error(`unknown form of reference: ${JSON.stringify(citation)}`);
}
