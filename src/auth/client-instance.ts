/** Client instances (RFC 9635 §2.3) in the three forms of Open Payments, their keys and display names (AS-15, AS-20…31). */

import type { components } from '../../generated/auth-server/types.ts';
import {
  type ClientKey,
  ClientKeyError,
  type ClientKeys,
  importClientJwk,
  parseClientJwk,
} from '../http/signatures/client-keys.ts';
import type { Outbound } from '../net/outbound.ts';
import { parseJson } from '../net/read-json.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import { parseWalletAddress } from '../open-payments/wallet-address-url.ts';
import type { Switches } from '../profile.ts';
import { authProblem } from './problem.ts';

/** The `client` member of a grant request. Throws `unusable_client`. */
export function parseClientInstance(client: components['schemas']['client']): ClientInstance {
  if (typeof client === 'string') return { walletAddress: parseClientUrl(client) };
  if ('walletAddress' in client) return { walletAddress: parseClientUrl(client.walletAddress) };
  try {
    return { jwk: parseClientJwk(client.jwk) };
  } catch (error) {
    throw toProblem(error, 'unusable_client');
  }
}

function toProblem(error: unknown, code: 'unusable_client' | 'invalid_signature'): unknown {
  if (!(error instanceof ClientKeyError)) return error;
  return authProblem(code, { description: error.message, detail: error.code, cause: error });
}

/** In its canonical spelling: all spellings identify one client (OPI-081). */
function parseClientUrl(text: string): string {
  const walletAddress = parseWalletAddress(text);
  if (walletAddress !== undefined) return walletAddress;
  throw authProblem('unusable_client', { description: 'the client is not a wallet address' });
}

/** Id that scopes what the client may see: its wallet address, or the RFC 7638 thumbprint of its key (AS-31). */
export async function clientIdOf(client: ClientInstance): Promise<string> {
  return 'walletAddress' in client ? client.walletAddress : (await importClientJwk(client.jwk)).thumbprint;
}

/**
 * The client's key with this id. The key set of a wallet address is consulted for every request, so that a client can
 * rotate and revoke keys during the life of a grant (AS-25…27). Throws ClientKeyError; `key_not_found` if the key of a
 * `jwk` client has another kid.
 */
async function findClientKey(keys: ClientKeys, client: ClientInstance, keyid: string): Promise<ClientKey> {
  if ('walletAddress' in client) return keys.keyFor(client.walletAddress, keyid);
  if (client.jwk.kid !== keyid) throw new ClientKeyError('key_not_found', "keyid is not the kid of the client's key");
  return importClientJwk(client.jwk);
}

/** Like `findClientKey`, but throws `unusable_client` (AS-23), or `invalid_signature` for a wrong kid (AS-27). */
export async function expectClientKey(keys: ClientKeys, client: ClientInstance, keyid: string): Promise<ClientKey> {
  try {
    return await findClientKey(keys, client, keyid);
  } catch (error) {
    const isWrongKid = 'jwk' in client && error instanceof ClientKeyError && error.code === 'key_not_found';
    throw toProblem(error, isWrongKid ? 'invalid_signature' : 'unusable_client');
  }
}

/**
 * Display name of the client on the consent page: `publicName` of its wallet address (RFC 9635 §2.3.2). Throws
 * `unusable_client` without one, unless the switch replaces it by the address (AS-15, AMB-16).
 */
export function parseDisplayName(
  publicName: unknown,
  client: { readonly walletAddress: string },
  { clientWithoutName }: Pick<Switches, 'clientWithoutName'>,
): string {
  const name = typeof publicName === 'string' && toDisplayName(publicName);
  if (name) return name;
  if (clientWithoutName === 'show-address') return client.walletAddress;
  throw authProblem('unusable_client', { description: 'the wallet address of the client lacks a publicName' });
}

const MAX_NAME_LENGTH = 200;

/** Stored and shown, so without control characters, at most 200 characters long, and not cut within one. */
function toDisplayName(name: string): string {
  const shown = name.replaceAll(/\p{C}/gu, '').trim().slice(0, MAX_NAME_LENGTH);
  return shown.replace(/\p{Cs}$/u, '');
}

/** The member `publicName` of a wallet address; undefined if there is none to be had. */
export async function fetchPublicName(outbound: Pick<Outbound, 'request'>, walletAddress: string): Promise<unknown> {
  try {
    const response = await outbound.request({ url: walletAddress });
    if (response.status !== 200) return undefined;
    return (parseJson(response.body) as { publicName?: unknown } | null | undefined)?.publicName;
  } catch {
    return undefined;
  }
}
