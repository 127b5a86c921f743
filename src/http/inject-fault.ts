/** Applies an armed fault to a request (CT-06). */
import { setTimeout as wait } from 'node:timers/promises';
import type { Fault, FaultedCall } from '../faults.ts';
import { parseBody } from './parse-body.ts';
import { headerLines, parseQuery, type ReceivedRequest, withoutSlashes } from './received-request.ts';
import type { Answer, Reply } from './reply.ts';

/** Milliseconds of a delay, or of a slow answer, unless the fault says otherwise. */
const DEFAULT_DELAY_MS = 1000;

/**
 * The effect of the fault before the request is processed: an answer. Undefined if the call goes on normally. Throws if
 * the fault is a crash. `render` is the server's, for the problem of a code.
 */
export async function injectFault(
  fault: Fault | undefined,
  render: (code: string) => Reply,
): Promise<Answer | undefined> {
  switch (fault?.kind) {
    case 'status':
      return answerWithError(fault, fault.status ?? 500, render);
    case 'crash':
      throw new Error('injected fault');
    case 'delay':
      await wait(fault.delayMs ?? DEFAULT_DELAY_MS);
      return undefined;
    case 'garbage':
      return { status: fault.status ?? 200, body: '{"id": "' };
    case 'empty':
      return { status: fault.status ?? 200 };
    case 'reset':
      return 'close';
    case 'abort':
      return 'reset';
    default:
      return undefined;
  }
}

/** The effect of the fault on the reply to a request that was processed. */
export function spoilReply(fault: Fault | undefined, reply: Reply, render: (code: string) => Reply): Answer {
  switch (fault?.kind) {
    case 'after-commit':
      return fault.status === undefined ? 'close' : answerWithError(fault, fault.status, render);
    case 'cut':
      return { ...reply, delivery: 'cut' };
    case 'slow':
      return { ...reply, delivery: { slowMs: fault.delayMs ?? DEFAULT_DELAY_MS } };
    default:
      return reply;
  }
}

interface NamesWallets {
  readonly walletAddress?: unknown;
  readonly access_token?: { readonly access?: readonly { readonly identifier?: unknown }[] };
}

/** The wallet addresses and preferences that a request names. */
export const describeFaulted = (exchange: ReceivedRequest, hasBody: boolean): FaultedCall => ({
  walletAddresses() {
    const body = (hasBody ? (parseBody(exchange) ?? {}) : {}) as NamesWallets;
    const access = body.access_token?.access;
    const named = [
      walletAddressOf(exchange.targetUri),
      parseQuery(exchange.rawTarget)['wallet-address'],
      body.walletAddress,
      ...(Array.isArray(access) ? access.map((item) => item?.identifier) : []),
    ];
    return named.filter((each) => typeof each === 'string');
  },
  preferences: () =>
    headerLines(exchange, 'prefer')
      .flatMap((line) => line.split(/[,;]/))
      .map((each) => each.split('=').map((part) => part.trim()))
      .flatMap(([name, value = '']) => (name?.toLowerCase() === 'fault' ? [value.replaceAll('"', '')] : [])),
});

/** The URL without its query, the file of a key set, and slashes at the end. */
function walletAddressOf(url: string): string {
  const path = withoutSlashes(url.split('?', 1)[0]!);
  const file = ['/jwks.json', '/did.json'].find((name) => path.endsWith(name)) ?? '';
  return withoutSlashes(path.slice(0, path.length - file.length));
}

/**
 * An error as Touchstone, or in another `form` as Rafiki, sends it (AS-163). `render` is the server's, for the code of an
 * internal error and the challenge of a 401.
 */
function answerWithError({ code, form = 'error' }: Fault, status: number, render: (code: string) => Reply): Reply {
  const description = 'injected fault';
  const headers: Record<string, string> = {
    ...((status === 429 || status === 503) && { 'Retry-After': '1' }),
    ...(status === 401 && render('invalid_signature').headers),
  };
  if (form === 'text') {
    return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: description };
  }
  const { error } = render('internal_error').body as { readonly error?: { readonly code?: string } };
  const codes = form === 'error' ? { code: code ?? error?.code ?? 'internal_error' } : {};
  return { status, headers, body: { error: { ...codes, description } } };
}
