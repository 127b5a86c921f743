/** The client of a run: signed requests, grants, and the consent of the owner, against any ASE. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Target } from '../../conformance/runner/target.ts';
import { signRequest } from '../../src/http/signatures/sign.ts';
import { type Call, type Send, sendOk } from './driver.ts';

// biome-ignore lint/suspicious/noExplicitAny: the driver reads what it expects, and fails if it is not there
type Json = any;

export interface Party {
  readonly target: Target;
  /** The documents of the payer's and of the receiver's wallet address. */
  readonly payer: Json;
  readonly receiver: Json;
}

const jsonHeaders = { 'content-type': 'application/json' };

export async function meetParty(send: Send, target: Target): Promise<Party> {
  const fetchWallet = async (url: string) => JSON.parse((await sendOk(send, { method: 'GET', url, headers: {} })).text);
  return { target, payer: await fetchWallet(target.walletAddress), receiver: await fetchWallet(target.receiver) };
}

export interface SignedRequest {
  readonly method?: string;
  readonly url: string;
  readonly token?: string;
  readonly value?: unknown;
}

/** A signed request. Without a method it is a GET, or with a value a POST. */
export function sign({ target }: Pick<Party, 'target'>, { method, url, token, value }: SignedRequest): Call {
  const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
  const request = {
    method: method ?? (body ? 'POST' : 'GET'),
    url,
    headers: { ...(body && jsonHeaders), ...(token !== undefined && { authorization: `GNAP ${token}` }) },
    ...(body && { body }),
  };
  const key = { keyid: target.identity.keyId, privateKey: target.identity.privateKey };
  return { ...request, headers: signRequest(request, key, Date.now()) };
}

const post = async (send: Send, party: Party, request: SignedRequest): Promise<Json> => {
  const { text } = await sendOk(send, sign(party, request));
  return text === '' ? undefined : JSON.parse(text);
};

const finishUri = 'http://127.0.0.1:1/finish';

export const requestGrant = (party: Party, authServer: string, access: unknown): Call =>
  sign(party, { url: authServer, value: { client: party.target.client, access_token: { access: [access] } } });

export const incomingAccess = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };
export const quoteAccess = { type: 'quote', actions: ['create', 'read'] };

export const amountOf = ({ assetCode, assetScale }: Json, value: string) => ({ value, assetCode, assetScale });

/** Asks for consent to payments, up to a limit in all, or in each interval. */
export const requestConsent = (party: Party, limit: string, interval?: string): Call =>
  sign(party, {
    url: party.payer.authServer,
    value: {
      client: party.target.client,
      access_token: {
        access: [
          {
            type: 'outgoing-payment',
            actions: ['create', 'read', 'list'],
            identifier: party.payer.id,
            limits: { debitAmount: amountOf(party.payer, limit), ...(interval !== undefined && { interval }) },
          },
        ],
      },
      interact: { start: ['redirect'], finish: { method: 'redirect', uri: finishUri, nonce: randomUUID() } },
    },
  });

/** Follows the redirects of an interaction, with its cookies, to the client. */
async function walk(send: Send, redirect: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = redirect;
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const { headers } = await sendOk(send, { method: 'GET', url, headers: cookie === '' ? {} : { cookie } });
    for (const line of headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    if (headers.location === undefined) break;
    url = new URL(headers.location, url).href;
    if (url.startsWith(finishUri)) return new URL(url);
  }
  throw new Error('the redirects did not lead to the client: use --consent-command or --consent-hook');
}

/** The consent of the owner. Resolves with the interaction reference. */
async function consent(send: Send, { target }: Party, redirect: string): Promise<string> {
  const end = async (): Promise<URL> => {
    switch (target.consent.kind) {
      case 'command': {
        const env = { ...process.env, TOUCHSTONE_INTERACTION: redirect };
        const { stdout } = await promisify(execFile)('sh', ['-c', target.consent.command], { env });
        return new URL(stdout.trim());
      }
      case 'hook': {
        const body = Buffer.from(JSON.stringify({ interaction: redirect, finish: finishUri }));
        const call = { method: 'POST', url: target.consent.url, headers: jsonHeaders, body };
        return new URL(JSON.parse((await sendOk(send, call)).text).location);
      }
      case 'automatic':
        return walk(send, redirect);
      default:
        throw new Error(`the driver cannot consent by ${target.consent.kind}`);
    }
  };
  const reference = (await end()).searchParams.get('interact_ref');
  if (reference === null) throw new Error('the interaction ended without a reference');
  return reference;
}

/** From the request of a grant for payments to its token. */
export async function obtainConsent(send: Send, party: Party, requested: Call): Promise<string> {
  const { interact, continue: continuation } = JSON.parse((await sendOk(send, requested)).text);
  const interact_ref = await consent(send, party, interact.redirect);
  const token = continuation.access_token.value;
  return (await post(send, party, { url: continuation.uri, token, value: { interact_ref } })).access_token.value;
}

export async function obtainToken(send: Send, party: Party, authServer: string, access: unknown): Promise<string> {
  return JSON.parse((await sendOk(send, requestGrant(party, authServer, access))).text).access_token.value;
}
