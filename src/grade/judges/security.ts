/** Judges of the requirements on secrets, on binding them to their purpose, and on transport. */
import { decodePercent, splitTarget } from '../../http/received-request.ts';
import { isLoopback } from '../../net/loopback.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, clip, listStrings } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run, type RunEnd } from '../judge.ts';
import { callerOf } from '../operations.ts';
import type { security } from '../requirements/security.ts';
import { listKeyForms, type Secret } from '../state/secrets.ts';
import { pass, passUnless, violation, weak } from './findings.ts';
import { namedWalletAddresses } from './named-wallet-addresses.ts';
import { describeGuessable, entropyBits } from './nonce-strength.ts';
import { meansPublicView } from './token-rights.ts';

const MIN_NONCE_BITS = 64;

export const securityJudges = {
  'CL-SEC-01': { exchange: judgeNonce },
  'CL-SEC-02': { exchange: judgeFinishUri },
  'CL-SEC-03': { end: judgeOutput },
  'CL-SEC-04': { exchange: judgeTokenBinding },
  'CL-SEC-05': decidedByProbe,
  'CL-SEC-06': { exchange: judgeTransport },
  'CL-SEC-07': decidedByProbe,
  'CL-SEC-08': { exchange: judgeCredentials },
} satisfies JudgesOf<typeof security>;

/** `interact.finish` of a grant request. */
function finishOf({ operation, body }: GradedExchange): { readonly uri?: string; readonly nonce?: string } {
  const { uri, nonce } = operation === 'post-request' ? asObject(asObject(asObject(body)['interact'])['finish']) : {};
  return { ...(typeof uri === 'string' && { uri }), ...(typeof nonce === 'string' && { nonce }) };
}

function judgeNonce(exchange: GradedExchange, { state }: Run): Findings {
  const { nonce } = finishOf(exchange);
  if (nonce === undefined) return undefined;
  const reason = describeGuessable(nonce) ?? (state.nonces.isCounted(nonce) ? 'continues an earlier one' : undefined);
  const actual = `${nonce.length} characters`;
  if (reason) return violation(`The finish nonce ${reason}.`, { expected: 'random characters', actual });
  const bits = Math.floor(entropyBits(nonce));
  if (bits >= MIN_NONCE_BITS) return pass;
  return weak('The finish nonce has few possible values.', {
    expected: `${MIN_NONCE_BITS} bits`,
    actual: `at most ${bits} bits in ${actual}`,
  });
}

const eMail = /[\w.+-]{1,64}@[a-z0-9-]{1,63}\.[a-z]/i;

function judgeFinishUri(exchange: GradedExchange, { state }: Run): Findings {
  const { uri, nonce } = finishOf(exchange);
  if (uri === undefined) return undefined;
  const text = decodePercent(decodePercent(uri));
  const findings: Finding[] = [];
  const report = (what: string): void => {
    findings.push(violation(`\`finish.uri\` contains ${what}.`, { expected: 'a random identifier' }));
  };
  if (nonce && nonce.length >= 4 && text.includes(nonce)) report('the finish nonce');
  for (const { secret } of state.secrets.search(text)) {
    if (secret.value !== nonce) report(`the ${secret.kind} of exchange ${secret.exchange}`);
  }
  const [path, query] = splitTarget(text.replace('#', '?'));
  if (eMail.test(path) || eMail.test(query)) report('an e-mail address');
  // The URI itself may be below the wallet address of the client.
  if (namedWalletAddresses(exchange).some(({ url }) => url.length > 10 && query.includes(url))) {
    report('a wallet address');
  }
  return passUnless(findings);
}

/** The first line that shows each secret. */
function judgeOutput({ state }: Run, { output, privateKeys }: RunEnd): Findings {
  for (const pem of privateKeys) {
    for (const value of listKeyForms(pem)) state.secrets.add({ kind: 'private key', value });
  }
  if (output === '') return undefined;
  const found = state.secrets.search(output).toSorted((a, b) => a.offset - b.offset);
  let [line, offset] = [1, 0];
  return passUnless(
    found.map((occurrence) => {
      for (; offset < occurrence.offset; offset += 1) if (output[offset] === '\n') line += 1;
      return violation(`Line ${line} of the output shows ${describeSecret(occurrence.secret)}.`, {
        ...(occurrence.secret.exchange !== undefined && { exchange: occurrence.secret.exchange }),
      });
    }),
  );
}

const describeSecret = ({ kind, exchange }: Secret): string =>
  exchange === undefined ? `a ${kind}` : `the ${kind} of exchange ${exchange}`;

/** Endpoints that take no token, and servers of another provider, must not get one. */
function judgeTokenBinding(exchange: GradedExchange, { state, switches }: Run): Findings {
  const { token, operation, ase } = exchange;
  const known = token === undefined ? undefined : state.tokens.find(token);
  const caller = callerOf(operation);
  if (known === undefined || (caller === undefined && known.ase === ase)) return undefined;
  const make = (problem: string, tolerated = false) =>
    violation(`The ${known.kind} token of exchange ${known.exchange} was sent ${problem}.`, {
      expected: known.ase === ase ? 'no token' : `its servers at ${known.ase} only`,
      actual: `\`${operation}\` at ${ase}`,
      ...(tolerated && { tolerated }),
    });
  if (known.ase !== ase) return make('to another provider', isToleratedPublicRead(exchange, switches));
  if (caller === 'public' || caller === 'client') return make('to an endpoint that needs none');
  if (meansPublicView(known, exchange)) {
    return make('to read the public view', isToleratedPublicRead(exchange, switches));
  }
  return pass;
}

const isToleratedPublicRead = ({ operation, status }: GradedExchange, switches: Run['switches']): boolean =>
  operation === 'get-incoming-payment' && status === 200 && switches.publicGetWithForeignToken;

function judgeTransport(exchange: GradedExchange, { ases }: Run): Findings {
  const urls = ases.flatMap((ase) => [ase.walletAddressServer, ase.authServer, ase.resourceServer]);
  if (urls.length === 0 || !urls.every((url) => url.startsWith('https:'))) return undefined;
  if (exchange.request.targetUri.startsWith('http:')) {
    return violation('The request came in clear text.', { expected: 'https', actual: 'http' });
  }
  const { uri } = finishOf(exchange);
  const finish = uri === undefined ? null : URL.parse(uri);
  if (finish?.protocol === 'http:' && !isLoopback(finish.hostname)) {
    return violation('`finish.uri` does not use TLS.', { expected: 'https, or a local URL', actual: 'http' });
  }
  return pass;
}

function judgeCredentials({ operation, request, body }: GradedExchange): Findings {
  if (callerOf(operation) === undefined) return undefined;
  const inContent = [...listStrings(body)].filter(({ text }) => hasCredentials(text)).map(({ pointer }) => pointer);
  const [, query] = splitTarget(request.rawTarget);
  const parameters = query.slice(1).split('&', 100);
  const inQuery = parameters.some((parameter) => hasCredentials(decodePercent(parameter.replace(/^[^=]*=/, ''))));
  const places = [
    ...inContent.slice(0, 10).map((pointer) => `\`${clip(pointer, 100)}\``),
    ...(inQuery ? ['the query'] : []),
    ...(hasCredentials(request.rawTarget) ? ['the request target'] : []),
  ];
  return passUnless(
    places.map((place) => violation(`The URL in ${place} has user information.`, { expected: 'a URL without it' })),
  );
}

const hasCredentials = (text: string): boolean => /^[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#]*@/i.test(text);
