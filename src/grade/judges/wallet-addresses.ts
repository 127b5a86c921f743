/** Judges of the requirements on wallet addresses and on finding servers and keys. */
import { preferredType } from '../../http/content-negotiation.ts';
import { combinedHeader, decodePercent, splitTarget } from '../../http/received-request.ts';
import { isLoopback } from '../../net/loopback.ts';
import type { GradedAse, GradedExchange } from '../graded-exchange.ts';
import { asObject, clip } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run, type RunEnd } from '../judge.ts';
import { isResourceOperation } from '../operations.ts';
import type { walletAddresses } from '../requirements/wallet-addresses.ts';
import { findPointers, type PaymentPointer } from '../state/pointers.ts';
import { pass, passUnless, violation, weak } from './findings.ts';
import { namedWalletAddresses } from './named-wallet-addresses.ts';

/** Requests for one document while it is fresh. */
const MAX_EARLY_REQUESTS = 5;

export const walletAddressesJudges = {
  'CL-WA-01': { exchange: judgeAddresses },
  'CL-WA-02': { exchange: judgeDocumentRequest },
  'CL-WA-03': { exchange: judgeDiscovery },
  'CL-WA-04': decidedByProbe,
  'CL-WA-05': decidedByProbe,
  'CL-WA-06': decidedByProbe,
  'CL-WA-07': { end: judgePointers },
  'CL-WA-08': { exchange: judgeKeySet },
  'CL-WA-09': decidedByProbe,
  'CL-WA-10': { exchange: judgeCaching },
  'CL-WA-11': decidedByProbe,
  'CL-WA-12': decidedByProbe,
} satisfies JudgesOf<typeof walletAddresses>;

function judgeAddresses(exchange: GradedExchange, { ases }: Run): Findings {
  const named = namedWalletAddresses(exchange);
  if (named.length === 0) return undefined;
  const isTestWorld = ases.some(({ walletAddressServer }) => isPlainOrHasPort(walletAddressServer));
  return passUnless(
    named.flatMap(({ place, url }) => {
      const problem = describeAddress(url, isTestWorld);
      return problem ? [violation(`The wallet address in ${place} ${problem}.`, { actual: hideCredentials(url) })] : [];
    }),
  );
}

function isPlainOrHasPort(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'http:' || parsed?.port !== '';
}

/** A predicate that says what is wrong with a wallet address. */
function describeAddress(text: string, isTestWorld: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//i.test(text)) return 'is not an https URL';
  const isTest = isTestWorld || isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !isTest) return 'does not use https';
  if (url.username || url.password) return 'has user information';
  if (url.port !== '' && !isTest) return 'has a port';
  if (text.includes('#')) return 'has a fragment';
  return text.includes('?') ? 'has a query' : undefined;
}

const hideCredentials = (url: string): string =>
  clip(url.replace(/^([a-z]*:\/\/)[^/?#]*@/i, '$1…@').replace(/[?#].*$/s, (rest) => `${rest[0]}…`));

function judgeDocumentRequest({ operation, request }: GradedExchange): Findings {
  const accept = combinedHeader(request, 'accept');
  // Neither a page that a person opened nor a request for SPSP asks for the document.
  const isForDocument = !isNavigation(request.rawHeaders) && !/^application\/spsp4\+json\b/i.test(accept ?? '');
  if (operation !== 'get-wallet-address' || !isForDocument) return undefined;
  const findings: Finding[] = [];
  const preferred = preferredType(accept, ['application/json', 'text/html']);
  if (preferred !== 'application/json') {
    const reason = preferred === undefined ? 'does not admit JSON' : 'prefers HTML to JSON';
    const values = { expected: 'Accept: application/json', actual: `Accept: ${clip(accept ?? '')}` };
    findings.push(violation(`\`Accept\` of the request for a wallet address ${reason}.`, values));
  }
  if (combinedHeader(request, 'authorization') !== undefined) {
    findings.push(weak('The request for a wallet address has `Authorization`.', { expected: 'an anonymous request' }));
  }
  return passUnless(findings);
}

const isNavigation = (headers: readonly (readonly [string, string])[]): boolean =>
  headers.some(([name, value]) => name.toLowerCase() === 'sec-fetch-mode' && value === 'navigate');

const resourcePath = /^\/(?:incoming-payments|outgoing-payments|quotes|outgoing-payment-grant)(?:\/|$)/;

/** A request below the wallet addresses that only another server answers was sent there by a guess. */
function judgeDiscovery(exchange: GradedExchange, { ases }: Run): Findings {
  const { operation, request, status } = exchange;
  if (isResourceOperation(operation) || operation === 'post-request')
    return status !== null && status < 400 ? pass : undefined;
  if (operation !== 'unknown' && operation !== 'get-wallet-address') return undefined;
  const ase = ases.find(({ name }) => name === exchange.ase);
  const path = ase && pathBelow(ase.walletAddressServer, request.targetUri);
  if (ase === undefined || path === undefined) return undefined;
  const expected = findGuessed(path, exchange, ase);
  if (expected === undefined) return undefined;
  return violation(
    `\`${clip(path)}\` was called below the wallet address, although its document names another server.`,
    {
      expected,
      actual: ase.walletAddressServer,
    },
  );
}

/** Path of the URI below a base URL, without the query. Undefined if it is not below it. */
function pathBelow(base: string, uri: string): string | undefined {
  const [path] = splitTarget(uri);
  const [basePath] = splitTarget(base);
  const isSameOrigin = URL.parse(base)?.origin === URL.parse(uri)?.origin;
  return isSameOrigin && path.startsWith(basePath) ? path.slice(basePath.length) : undefined;
}

/** The server for which such a request is meant. */
function findGuessed(path: string, { request, body }: GradedExchange, ase: GradedAse): string | undefined {
  if (resourcePath.test(path) && ase.resourceServer !== ase.walletAddressServer) return ase.resourceServer;
  const { access_token, client } = asObject(body);
  const isGrantRequest = request.method === 'POST' && access_token !== undefined && client !== undefined;
  return isGrantRequest ? ase.authServer : undefined;
}

function judgeKeySet({ operation, request, status }: GradedExchange): Findings {
  const [path] = splitTarget(request.rawTarget);
  if (operation === 'get-wallet-address-keys') {
    if (path.endsWith('//jwks.json')) {
      return weak('The key set was requested with two slashes.', {
        expected: 'one slash before `jwks.json`',
        actual: clip(path),
      });
    }
    if (status === 200) return pass;
    // Elsewhere, the wallet address itself may be missing.
    return path === '/jwks.json' ? violation('The key set was requested from the root.', missing(path)) : undefined;
  }
  const [, address] = /^(.*[^/])jwks\.json$/.exec(decodePercent(path)) ?? [];
  if (operation !== 'get-wallet-address' || address === undefined || status !== 404) return undefined;
  return violation('The key set was requested without a slash before its name.', missing(path));
}

const missing = (path: string) => ({ expected: 'the path of the wallet address and `/jwks.json`', actual: clip(path) });

function judgeCaching(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.operation !== 'get-wallet-address') return undefined;
  const early = state.reads.whileFresh(exchange);
  if (early === undefined) return undefined;
  if (early <= MAX_EARLY_REQUESTS) return pass;
  return violation('A wallet address was requested again and again although the document was fresh.', {
    expected: `at most ${MAX_EARLY_REQUESTS} requests before it is stale`,
    actual: `${early} requests`,
  });
}

const rootPath = '/.well-known/pay';

function judgePointers({ state, ases }: Run, { output }: RunEnd): Findings {
  const hosts = new Set(ases.map(({ walletAddressServer }) => URL.parse(walletAddressServer)?.host));
  const pointers = [...state.pointers.list(), ...findPointers(output)].filter(({ host }) => hosts.has(host));
  const findings = [...new Map(pointers.map((pointer) => [pointer.text, pointer])).values()].flatMap((pointer) =>
    judgePointer(pointer, state.pointers.calledBy),
  );
  return findings.length > 0 ? findings : undefined;
}

function judgePointer({ text, host, path }: PaymentPointer, calledBy: Run['state']['pointers']['calledBy']): Finding[] {
  const expected = path || rootPath;
  if (calledBy(host, expected) !== undefined) return [pass];
  const exchange = calledBy(host, '/');
  if (exchange === undefined) return [];
  return [
    violation(`The payment pointer \`${clip(text)}\` was not resolved to its path.`, {
      expected,
      actual: '/',
      exchange,
    }),
  ];
}
