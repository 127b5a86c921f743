/** Mistakes of the set-up that would fail every check, each in one sentence, before the first check. */
import { createPublicKey } from 'node:crypto';
import { shorten, visible } from '../../src/report/visible-text.ts';
import { type ExchangeLimits, exchange, type Received } from '../steps/http-exchange.ts';
import type { Json } from '../steps/signed-client.ts';
import type { Target } from './target.ts';

/** Seconds. Signatures with a time further off are refused by many servers. */
const MAX_CLOCK_DIFFERENCE = 60;

/** Throws an error with the first mistake, in one sentence. */
export async function checkSetUp(
  { walletAddress, receiver, client, identity }: Target,
  limits?: ExchangeLimits,
): Promise<void> {
  const read = (url: string, name: string): Promise<Received> => fetchFrom(url, name, limits);
  const servers = new Set<string>();
  for (const [name, url] of [
    ['wallet address', walletAddress],
    ['receiver', receiver],
  ] as const) {
    const answer = await read(url, `the ${name} ${url}`);
    if (answer.status !== 200) throw new Error(`the ${name} ${url} is unknown: the server answered ${answer.status}`);
    const { authServer, resourceServer } = parse(answer.text) ?? {};
    if (typeof authServer !== 'string' || typeof resourceServer !== 'string')
      throw new Error(`the ${name} ${url} answers no document with authServer and resourceServer${whyNoJson(answer)}`);
    checkClock(answer, url);
    for (const [member, server] of Object.entries({ authServer, resourceServer })) {
      if (!/^https?:$/.test(URL.parse(server)?.protocol ?? ''))
        throw new Error(`the ${name} ${url} names an ${member} that is not an http or https URL`);
      if (!servers.has(server))
        await read(server, `the ${member} ${visible(shorten(server, 200))} of the ${name} ${url}`);
      servers.add(server);
    }
  }
  const keySet = `${client.replace(/\/$/, '')}/jwks.json`;
  const { status, text } = await read(keySet, `the key set ${keySet}`);
  if (status !== 200) throw new Error(`the key set ${keySet} cannot be read: the server answered ${status}`);
  const { keys } = parse(text) ?? {};
  if (!Array.isArray(keys)) throw new Error(`the key set ${keySet} is not a document with keys`);
  const key: Json = keys.find((each: Json) => each?.kid === identity.keyId);
  if (key === undefined) throw new Error(`the key set ${keySet} has no key with the id ${identity.keyId}`);
  if (key.x !== createPublicKey(identity.privateKey).export({ format: 'jwk' }).x)
    throw new Error(`the key ${identity.keyId} of ${keySet} does not belong to the private key`);
}

/** Checks in a row without an answer, after which a target that answers elsewhere is given up too. */
const MAX_UNANSWERED = 10;

/** The reason why further checks would say nothing; undefined while they do. @param inARow checks without an answer */
export async function describeLoss({ walletAddress }: Target, inARow: number): Promise<string | undefined> {
  if (inARow >= MAX_UNANSWERED) return `${inARow} checks in a row had no answer`;
  try {
    await fetchFrom(walletAddress, `the wallet address ${walletAddress}`);
    return undefined;
  } catch (error) {
    return `${(error as Error).message} any more`;
  }
}

async function fetchFrom(url: string, name: string, limits?: ExchangeLimits): Promise<Received> {
  try {
    return await exchange({ method: 'GET', url, headers: [['accept', 'application/json']], body: undefined }, limits);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code ?? message;
    const hint = /SELF_SIGNED|UNABLE_TO|ISSUER/.test(reason) ? '; --ca FILE accepts a private authority' : '';
    throw new Error(`${name} cannot be reached (${reason}${hint})`);
  }
}

/** The likely reason why the content is not the expected JSON. */
function whyNoJson({ headers }: Received): string {
  const coding = headers.get('content-encoding');
  if (coding !== null) return `: it is sent with the content coding ${visible(coding)}, which was not asked for`;
  const type = headers.get('content-type')?.split(';', 1)[0] ?? 'nothing';
  return /json/i.test(type) ? '' : `: its content type is ${visible(type)}`;
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
