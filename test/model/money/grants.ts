/** The world of a sequence as it is started, and the grants of its two clients: to be paid, and those of the model to pay. */
import { generateKeyPairSync } from 'node:crypto';
import { exportPublicJwk } from '../../../src/crypto/derived-keys.ts';
import type { WorldDefinition } from '../../../src/world/definition/definition.ts';
import type { Answer, RequestParts } from '../../support/signed-fetch.ts';
import { type AseName, OTHER, type World } from './state.ts';
import { writeLimits } from './wire.ts';

const YEAR = 31_536_000;
const aseNames: readonly AseName[] = ['granite', 'marble'];

export const keys = ['one', 'two'].map(() => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, pem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string };
});

export const pathOf = (wallet: number): string => `/wallet-${wallet}`;
const otherPathOf = (wallet: number): string => `/other-${wallet}`;
/** Id of an account by its number. */
export const accountOf = (account: number): string =>
  account < OTHER ? pathOf(account) : otherPathOf(account - OTHER);

export function define({ wallets, prices, fee, maxPacketAmount }: World): WorldDefinition {
  const clients = keys.map(({ privateKey }, index) => ({
    path: `/client-${index}`,
    asset: { code: 'USD', scale: 2 },
    balance: 0n,
    publicName: `Client ${index}`,
    keys: [{ jwk: exportPublicJwk(privateKey, 'key'), privateKey }],
  }));
  return {
    ases: aseNames.map((name, index) => ({
      name,
      portOffset: index * 100,
      grants: { tokenSeconds: YEAR },
      wallets: [
        ...wallets.flatMap(({ ase, asset, balance }, number) =>
          ase === name
            ? [
                { asset, balance, path: pathOf(number) },
                { asset, balance: 0n, path: otherPathOf(number) },
              ]
            : [],
        ),
        ...(name === 'granite' ? clients : []),
      ],
    })),
    ...{ prices, fee, maxPacketAmount },
    sender: { ase: wallets[0]!.ase, path: pathOf(0) },
    receiver: { ase: wallets[1]!.ase, path: pathOf(1) },
    client: { ase: 'granite', path: '/client-0', keyId: 'key' },
  };
}

const payeeAccess = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };

/** The clients take turns. */
export const clientOf = (grant: number): number => grant % keys.length;

export interface GrantSurroundings {
  readonly call: (client: number, parts: RequestParts) => Promise<Answer>;
  /** URLs of the wallets. */
  readonly urls: readonly string[];
  readonly baseOf: (ase: AseName) => { readonly authServer: string };
  readonly clientUrl: (client: number) => string;
}

/**
 * Access tokens: of the first client at each ASE to be paid, and of each grant of the world. `renew` replaces those of
 * the grants to pay from a wallet address.
 */
export async function obtainGrants(
  world: World,
  { call, urls, baseOf, clientUrl }: GrantSurroundings,
): Promise<{
  readonly payees: Readonly<Record<AseName, string>>;
  readonly payers: readonly string[];
  readonly renew: (wallet: number) => Promise<void>;
}> {
  async function request(client: number, ase: AseName, access: readonly unknown[], isInteractive: boolean) {
    const finish = { method: 'redirect', uri: 'http://shop.example/', nonce: 'nonce' };
    const body = {
      client: clientUrl(client),
      access_token: { access },
      ...(isInteractive && { interact: { start: ['redirect'], finish } }),
    };
    const asked = await call(client, { method: 'POST', url: baseOf(ase).authServer, body });
    if (asked.status !== 200) throw new Error(`no grant: ${asked.text}`);
    if (!isInteractive) return asked.body.access_token.value as string;
    const { interact, continue: continuation } = asked.body;
    const back = await call(client, { method: 'GET', url: interact.redirect, signed: false });
    const reference = new URL(back.headers.get('location')!).searchParams.get('interact_ref');
    const token = continuation.access_token.value;
    const done = { method: 'POST', url: continuation.uri, token, body: { interact_ref: reference } };
    return (await call(client, done)).body.access_token.value as string;
  }
  const payees: Record<AseName, string> = {
    granite: await request(0, 'granite', [payeeAccess], false),
    marble: await request(0, 'marble', [payeeAccess], false),
  };
  const payers: string[] = [];
  async function obtain(number: number): Promise<void> {
    const { wallet } = world.grants[number]!;
    const { ase } = world.wallets[wallet]!;
    const access = [
      { type: 'quote', actions: ['create', 'read'] },
      {
        type: 'outgoing-payment',
        actions: ['create', 'read', 'list', 'list-all'],
        identifier: urls[wallet],
        limits: writeLimits(world, number),
      },
    ];
    payers[number] = await request(clientOf(number), ase, access, true);
  }
  for (const number of world.grants.keys()) await obtain(number);
  return {
    payees,
    payers,
    renew: async (wallet) => {
      for (const [number, grant] of world.grants.entries()) if (grant.wallet === wallet) await obtain(number);
    },
  };
}
