/** Links for the citations in `requirements/`. */
import { readFileSync } from 'node:fs';
import { root } from './root.ts';

const github = 'https://github.com/interledger';
const openPayments = `${github}/open-payments`;
const rafiki = `${github}/rafiki/tree/main`;

const interledgerRfcs: Readonly<Record<string, string>> = {
  '0009': 'simple-payment-setup-protocol',
  '0015': 'ilp-addresses',
  '0026': 'payment-pointers',
  '0027': 'interledger-protocol-4',
  '0029': 'stream',
  '0035': 'ilp-over-http',
};

/** Sources that are cited by name. A longer name may follow: the first entry that begins the citation applies. */
const sources: readonly (readonly [name: string, url: string])[] = [
  ['Open Payments auth-server', `${openPayments}/blob/main/openapi/auth-server.yaml`],
  ['Open Payments resource-server', `${openPayments}/blob/main/openapi/resource-server.yaml`],
  ['Open Payments wallet-address-server', `${openPayments}/blob/main/openapi/wallet-address-server.yaml`],
  ['Open Payments Node', `${github}/open-payments-node`],
  ['Open Payments PHP SDK', `${github}/open-payments-php`],
  ['Open Payments Go SDK', `${github}/open-payments-go`],
  ['Open Payments Rust', `${github}/open-payments-rust`],
  ['Open Payments 1.3.0', `${openPayments}/tree/main/openapi`],
  ['npm @interledger/open-payments', `${github}/open-payments-node/blob/main/packages/open-payments/CHANGELOG.md`],
  ['Rafiki resource server', `${rafiki}/packages/backend/src/open_payments`],
  ['Rafiki auth server', `${rafiki}/packages/auth`],
  ['Rafiki identity provider API', `${rafiki}/packages/auth/src/interaction`],
  ['Rafiki token introspection', `${rafiki}/packages/token-introspection`],
  ['Rafiki connector', `${rafiki}/packages/backend/src/payment-method/ilp/connector`],
  ['Rafiki docs: webhook event', 'https://rafiki.dev/integration/requirements/webhook-events/'],
  ['Rafiki docs: wallet addresses', 'https://rafiki.dev/integration/requirements/wallet-addresses/'],
  ['Rafiki docs: identity providers', 'https://rafiki.dev/admin/idp/'],
  ['Rafiki docs: sending fees', 'https://rafiki.dev/integration/requirements/assets/'],
  ['Rafiki docs: exchange rates', 'https://rafiki.dev/integration/requirements/exchange-rates/'],
  ['Rafiki', `${github}/rafiki`],
  ['Web Monetization extension', `${github}/web-monetization-extension`],
  ['Interledger test network wallet', `${github}/testnet`],
  ['Interledger JS stream receiver', 'https://github.com/interledgerjs/interledgerjs'],
  ['ISO 8601', 'https://www.iso.org/iso-8601-date-and-time-format.html'],
  ['JSON Schema', 'https://json-schema.org/draft/2020-12'],
  ['GraphQL Cursor Connections', 'https://relay.dev/graphql/connections.htm'],
  ['WHATWG URL', 'https://url.spec.whatwg.org/'],
  ['Fetch Standard (CORS)', 'https://fetch.spec.whatwg.org/#http-cors-protocol'],
  ['OWASP HTTP headers', 'https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html'],
  ['ky', 'https://github.com/sindresorhus/ky'],
];

/** Decisions of this project, relative to the root of the repository. */
const interpretations = 'docs/interpretations.md';

/** Sections of that file by id, each with the anchor that GitHub gives its heading. */
const anchors: ReadonlyMap<string, string> = new Map(
  Array.from(
    readFileSync(new URL(interpretations, root), 'utf8').matchAll(/^## ((OPI-\d{3}) .*)$/gm),
    ([, heading, id]) => [
      id!,
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ],
  ),
);

/** The page of openpayments.dev about an operation. Undefined for one that only our overlays declare. */
export const linkToOperation = (document: string, operation: string): string | undefined =>
  /discovery/.test(operation) ? undefined : `https://openpayments.dev/apis/${document}/operations/${operation}/`;

/**
 * The link for a citation such as `RFC 9635 §5.1`, `Open Payments docs: concepts/auth` or `OPI-016`; a URL is its own
 * link. @throws for a citation of an unknown form
 */
export function linkTo(citation: string): string {
  if (/^https:\/\/\S+$/.test(citation)) return citation;
  const [, rfc, section] = /^RFC (\d+)(?: §([\d.]+))?$/.exec(citation) ?? [];
  if (rfc) return `https://www.rfc-editor.org/rfc/rfc${rfc}${section ? `#section-${section}` : ''}`;
  const [, number = ''] = /^ILP-(\d{4})(?: §[\d.]+)?$/.exec(citation) ?? [];
  const name = interledgerRfcs[number];
  if (name) return `${github}/rfcs/blob/main/${number}-${name}/${number}-${name}.md`;
  const [, page] = /^Open Payments docs: ([a-z0-9/-]+)$/.exec(citation) ?? [];
  if (page) return `https://openpayments.dev/${page}/`;
  if (citation === 'project policy') return interpretations;
  const anchor = anchors.get(citation);
  if (anchor) return `${interpretations}#${anchor}`;
  const source = sources.find(([prefix]) => citation === prefix || citation.startsWith(prefix));
  if (source) return source[1];
  throw new Error(`unknown form of reference: ${JSON.stringify(citation)}`);
}
