/**
 * The Simple Payment Setup Protocol at a wallet address (ILP-0009; WA-25, OPI-052): returns the ILP address and shared
 * secret for a STREAM payment to the wallet address.
 */
import { Problem } from '../errors.ts';
import { combinedHeader, type ReceivedRequest } from '../http/received-request.ts';
import type { Server } from '../http/server.ts';
import { parseWalletAddressTarget } from './path.ts';
import { renderWalletAddressProblem } from './problem.ts';

export const spspType = 'application/spsp4+json';

export interface SpspDeps {
  /** Throws `not_found`. */
  readonly findWalletAddress: (path: string) => Promise<{ readonly id: string }>;
  /** Opens an incoming payment of any amount at the wallet address of this id. */
  readonly openPayment: (walletAddressId: string) => Promise<{
    readonly ilpAddress: string;
    readonly sharedSecret: Buffer;
  }>;
}

const operationId = 'get-spsp';

export function createSpspServer({ findWalletAddress, openPayment }: SpspDeps): Server<undefined> {
  return {
    name: 'spsp',
    routes: {
      [operationId]: {
        operationId,
        tags: [],
        method: 'GET',
        path: '/',
        security: [],
        hasBody: false,
        responses: [200, 400, 404, 405, 429, 500],
      },
    },
    validateRequest: async () => ({ params: {}, query: {}, unknownParameters: [], body: undefined }),
    responseBody: {
      [operationId]: { 200: isSpspAnswer, 400: isAnything, 404: isAnything, 429: isAnything, 500: isAnything },
    },
    handlers: {
      [operationId]: async ({ exchange }) => {
        const { id } = await findWalletAddress(parseWalletAddressTarget(exchange.rawTarget).path);
        checkReceiptHeaders(exchange);
        // HEAD does not return the credentials, so it opens no payment.
        if (exchange.method === 'HEAD') return { status: 200, headers };
        const { ilpAddress, sharedSecret } = await openPayment(id);
        return {
          status: 200,
          headers,
          body: {
            destination_account: ilpAddress,
            shared_secret: sharedSecret.toString('base64'),
            receipts_enabled: false,
          },
        };
      },
    },
    validates: 'after-authentication',
    identify: async () => ({ caller: undefined }),
    render: renderWalletAddressProblem,
  };
}

/** Every answer is for one payment and holds a secret, so it must not be cached. */
const headers = { 'Content-Type': spspType, 'Cache-Control': 'no-store', Vary: 'Accept' };

/** Receipts need a nonce of 16 bytes and a secret of 32 (ILP-0039). One without the other is invalid. */
function checkReceiptHeaders(exchange: ReceivedRequest): void {
  const nonce = combinedHeader(exchange, 'receipt-nonce');
  const secret = combinedHeader(exchange, 'receipt-secret');
  if ((nonce === undefined) !== (secret === undefined)) {
    throw new Problem('invalid_request', { description: 'Receipt-Nonce and Receipt-Secret go together' });
  }
  if (nonce === undefined || secret === undefined) return;
  if (!isBase64(nonce, 16) || !isBase64(secret, 32)) {
    throw new Problem('invalid_request', {
      description: 'Receipt-Nonce must be 16 and Receipt-Secret 32 bytes in base64',
    });
  }
}

const isBase64 = (text: string, bytes: number): boolean =>
  /^[A-Za-z0-9+/_-]+=*$/.test(text) && Buffer.from(text, 'base64').length === bytes;

const isAnything = (): boolean => true;

function isSpspAnswer(body: unknown): boolean {
  if (body === undefined) return true;
  const { destination_account, shared_secret, receipts_enabled } = body as Record<string, unknown>;
  return (
    typeof destination_account === 'string' &&
    /^[A-Za-z0-9+/]{43}=$/.test(String(shared_secret)) &&
    typeof receipts_enabled === 'boolean'
  );
}
