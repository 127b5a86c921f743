/** Outbound HTTP of an ASE, the public keys of its clients, and the key that it signs with as a client of others. */
import { deriveKey, exportPublicJwk } from '../crypto/derived-keys.ts';
import type { RateLimiter } from '../http/rate-limits.ts';
import { type ClientKey, type ClientKeys, createClientKeys, expectClientJwk } from '../http/signatures/client-keys.ts';
import { privateRanges } from '../net/addresses.ts';
import { createOutbound, type Outbound, serverUserAgent } from '../net/outbound.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';
import type { OwnClient } from '../resource/receiver.ts';
import { instancePathFor } from '../wallet-address/path.ts';
import type { AseOptions } from './options.ts';

export type NetworkOptions = Pick<
  AseOptions,
  'urls' | 'settings' | 'clock' | 'switches' | 'allowHttp' | 'allowedRanges' | 'trust' | 'hosts' | 'serverMark'
>;

export interface Network {
  /** For URLs that clients and other ASEs choose. */
  readonly outbound: Outbound;
  /** For URLs that only the operator configures, so private addresses are allowed. */
  readonly operatorOutbound: Outbound;
  readonly clientKeys: ClientKeys;
  /** The client's key with this id. Throws ClientKeyError. */
  readonly findClientKey: (client: ClientInstance, keyid: string) => Promise<ClientKey>;
  /** The ASE as a client of an authorization server. */
  readonly clientOf: (authServer: string) => OwnClient;
  /** The public key of the ASE as the client with this path. */
  readonly instanceKeyAt: (path: string) => ClientJwk;
  /** Closes idle connections. */
  close(): void;
}

const INSTANCE_KEYID = 'instance';

const limits = { timeoutMs: 5000, maxBytes: 256 * 1024, userAgent: serverUserAgent };

export function createNetwork(options: NetworkOptions, limiter?: RateLimiter): Network {
  const { urls, settings, clock, switches, allowHttp, allowedRanges, trust, hosts, serverMark } = options;
  const headersFor = serverMark?.headersFor;
  const outbound = createOutbound({ ...limits, trust, allowHttp, allowedRanges, hosts, headersFor });
  const allowAll = { allowHttp: true, allowedRanges: privateRanges, allowAnyPort: true };
  const operatorOutbound = createOutbound({ ...limits, trust, ...allowAll });
  const clientKeys = createClientKeys({
    outbound,
    wallNow: clock.wallNow,
    ttlMs: switches.clientKeyMaxAgeMs,
    beforeFetch: limiter?.checkKeySet,
  });
  const keyAt = (path: string) => deriveKey(settings.current().secrets, `instance ${path}`);
  return {
    outbound,
    operatorOutbound,
    clientKeys,
    findClientKey: (client, keyid) =>
      'jwk' in client ? expectClientJwk(client.jwk, keyid) : clientKeys.keyFor(client.walletAddress, keyid),
    clientOf(authServer) {
      const path = instancePathFor(authServer);
      return { walletAddress: urls.walletAddressServer + path, keyid: INSTANCE_KEYID, privateKey: keyAt(path) };
    },
    instanceKeyAt: (path) => exportPublicJwk(keyAt(path), INSTANCE_KEYID),
    close() {
      outbound.close();
      operatorOutbound.close();
    },
  };
}
