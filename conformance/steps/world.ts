/** Additional worlds with a context for their checks, created and removed over the control API. */
import assert from 'node:assert/strict';
import type { CheckContext, Party, Profile } from '../runner/check.ts';
import { parseTarget } from '../runner/target.ts';
import { createControl } from './control.ts';
import { expectStatus } from './expect.ts';
import type { Call, Json, SendCall } from './signed-client.ts';

export interface NewWorld extends CheckContext {
  /** The `TOUCHSTONE_*` variables for clients of this world. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Makes a world, of the run's profile if `options` names none, works in it and ends it. Its requests count for the check, and are judged like all others. */
export async function inNewWorld<T>(
  context: CheckContext,
  options: Json,
  work: (world: NewWorld) => Promise<T>,
): Promise<T> {
  const { control } = context;
  const { status, body } = await control.request('POST', '/worlds', {
    consent: 'auto',
    profile: context.profile,
    ...options,
  });
  if (status !== 201) throw new Error(`POST /worlds answered ${status}`);
  try {
    const profile: Profile = 'profile' in options ? (options.profile ?? 'compat') : context.profile;
    return await work(await openWorld(context, profile, body.env));
  } finally {
    await control.request('DELETE', `/worlds/${body.id}`);
  }
}

/**
 * Works in a world of one ASE with two wallets, with these rules for grants and these switches of the profile changed.
 */
export function inWorldWithRules(
  context: CheckContext,
  { grants = {}, switches = {}, profile = 'compat' }: { grants?: Json; switches?: Json; profile?: string },
  work: (world: CheckContext) => Promise<void>,
): Promise<void> {
  const wallets = [
    { path: '/ann', publicName: 'Ann', asset: 'USD/2', balance: 1000 },
    { path: '/ben', publicName: 'Ben', asset: 'USD/2' },
  ];
  const definition = {
    ases: [{ name: 'slate', grants, wallets }],
    sender: 'slate/ann',
    receiver: 'slate/ben',
    client: { wallet: 'slate/ben', keyId: 'key-1' },
    switches,
  };
  return inNewWorld(context, { profile, definition }, work);
}

/** The same with switches alone, in the profile of the run. */
export const inWorldWithSwitches = (
  context: CheckContext,
  switches: Json,
  work: (world: CheckContext) => Promise<void>,
): Promise<void> => inWorldWithRules(context, { switches, profile: context.profile }, work);

async function openWorld(
  context: CheckContext,
  profile: Profile,
  variables: Record<string, string>,
): Promise<NewWorld> {
  const target = parseTarget(variables);
  const memory = new Map<string, Promise<unknown>>();
  const call: SendCall = (one) => context.call({ ...one, sign: signAs(target.identity, one.sign) });
  return {
    ...context,
    target,
    profile,
    variables,
    call,
    sender: await discoverParty(call, target.walletAddress),
    receiver: await discoverParty(call, target.receiver),
    control: createControl(target, () => memory.clear()),
    shared: <T>(key: string, compute: () => Promise<T>): Promise<T> => {
      if (!memory.has(key)) memory.set(key, compute());
      return memory.get(key) as Promise<T>;
    },
  };
}

function signAs(identity: NonNullable<CheckContext['target']['identity']>, sign: Call['sign']): Call['sign'] {
  if (sign === undefined) return identity;
  return sign === false || 'privateKey' in sign ? sign : { by: identity, ...sign };
}

/** All wallet addresses that the control API names, as their own documents describe them. */
export async function listParties({ call, control }: CheckContext): Promise<Party[]> {
  const { ases } = (await control.request('GET', '/')).body;
  const urls: string[] = ases.flatMap(({ walletAddresses }: Json) => walletAddresses.map(({ url }: Json) => url));
  return Promise.all(urls.map((url) => discoverParty(call, url)));
}

/** Reads a wallet address. @throws if it does not answer as expected */
export async function discoverParty(call: SendCall, url: string): Promise<Party> {
  const answer = expectStatus(await call({ operation: 'get-wallet-address', url, sign: false }), 200);
  const { authServer, resourceServer, assetCode, assetScale } = answer.body;
  for (const member of [authServer, resourceServer]) {
    assert.ok(URL.canParse(member), `${url} does not name its authServer and its resourceServer`);
  }
  return { url, authServer, resourceServer, assetCode, assetScale };
}
