/** Mistakes of the set-up that would fail every check, each in one sentence, before the first check. */
import { createPublicKey } from 'node:crypto';
import { exchange, type Received } from '../steps/http-exchange.ts';
import type { Json } from '../steps/signed-client.ts';
import type { Target } from './target.ts';

/** Seconds. Signatures with a time further off are refused by many servers. */
const MAX_CLOCK_DIFFERENCE = 60;

/** Throws an error with the first mistake. */
export async function checkSetUp({ walletAddress, receiver, client, identity }: Target): Promise<void> {
  for (const [name, url] of [
    ['wallet address', walletAddress],
    ['receiver', receiver],
  ] as const) {
    const answer = await read(url, `the ${name} ${url}`);
    if (answer.status !== 200) throw new Error(`the ${name} ${url} is unknown: the server answered ${answer.status}`);
    const { authServer, resourceServer } = parse(answer.text) ?? {};
    if (typeof authServer !== 'string' || typeof resourceServer !== 'string')
      throw new Error(`the ${name} ${url} answers no document with authServer and resourceServer`);
    checkClock(answer, url);
  }
  const keySet = `${client.replace(/\/$/, '')}/jwks.json`;
  const { status, text } = await read(keySet, `the key set ${keySet}`);
  if (status !== 200) throw new Error(`the key set ${keySet} cannot be read: the server answered ${status}`);
  const keys: Json[] = parse(text)?.keys ?? [];
  const key = keys.find(({ kid }) => kid === identity.keyId);
  if (key === undefined) throw new Error(`the key set ${keySet} has no key with the id ${identity.keyId}`);
  if (key.x !== createPublicKey(identity.privateKey).export({ format: 'jwk' }).x)
    throw new Error(`the key ${identity.keyId} of ${keySet} does not belong to the private key`);
}

/** The reason why the target does not answer any more; undefined while it does. */
export async function describeLoss({ walletAddress }: Target): Promise<string | undefined> {
  try {
    await read(walletAddress, `the wallet address ${walletAddress}`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function read(url: string, name: string): Promise<Received> {
  try {
    return await exchange({ method: 'GET', url, headers: [['accept', 'application/json']], body: undefined });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${name} cannot be reached (${code ?? message})`);
  }
}

function checkClock({ headers }: Received, url: string): void {
  const seconds = Math.abs(Date.parse(headers.get('date') ?? '') - Date.now()) / 1000;
  if (seconds > MAX_CLOCK_DIFFERENCE)
    throw new Error(`the clock of ${new URL(url).host} is ${Math.round(seconds)} s off the clock of this machine`);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
