/** Administration of an ASE over the control API: the wire form of what `administration/` does. */
import type { AdministrationApiHandlers } from '../../generated/control/routes.ts';
import { createAccount, listAccounts, type Movement, moveMoney } from '../administration/accounts.ts';
import type { AseAdministration } from '../administration/ase-administration.ts';
import type { Page } from '../administration/cursor-page.ts';
import { listFees, readPrices, setFee, setPrices } from '../administration/fees.ts';
import { type GrantDescription, listGrants, revokeGrant } from '../administration/grants.ts';
import { listKeys, registerKey, revokeKey } from '../administration/keys.ts';
import { changePeer, createPeer, listPeers, type PeerDescription, removePeer } from '../administration/peers.ts';
import { readRateSource, setRateSource } from '../administration/rate-source.ts';
import { addSecret, listSecrets } from '../administration/secrets.ts';
import {
  changeWalletAddress,
  createWalletAddress,
  getWalletAddress,
  listWalletAddresses,
  type WalletAddress,
} from '../administration/wallet-addresses.ts';
import { toInstant } from '../database/columns.ts';
import type { Database, Transaction } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Call } from '../http/pipeline.ts';
import type { Reply } from '../http/reply.ts';
import type { Asset } from '../open-payments/amount.ts';

export interface AdministrationDeps {
  readonly db: Database;
  readonly businessNow: () => number;
  readonly wallNow: () => number;
  /** The ASE of that name in this world, if it is hosted here. */
  readonly findAse: (name: string) => AseAdministration | undefined;
}

/** How an ASE of the world is found by its name, and its settings are changed. */
export function createAseAccess({ findAse }: Pick<AdministrationDeps, 'findAse'>) {
  function expectAse(name: string): AseAdministration {
    const ase = findAse(name);
    if (!ase) throw new Problem('not_found', { description: 'no such ASE' });
    return ase;
  }

  /** Makes a change of the settings and takes it up. */
  async function changeSettings<R extends Reply>(
    call: Call<undefined>,
    name: string,
    work: (tx: Transaction, ase: AseAdministration) => Promise<R>,
  ): Promise<R> {
    const ase = expectAse(name);
    const reply = await call.transaction((tx) => work(tx, ase));
    await ase.settings.refresh();
    return reply;
  }

  return { expectAse, changeSettings };
}

export function createAdministrationHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse, changeSettings } = createAseAccess(deps);

  async function book(
    call: Call<undefined>,
    name: string,
    kind: 'deposit' | 'withdrawal',
    body: { id: string; account: string; amount: string },
  ) {
    const { key } = expectAse(name);
    const movement: Movement = { ...body, amount: BigInt(body.amount) };
    return call.transaction(async (tx) => {
      const isNew = await moveMoney(tx, key, kind, movement, businessNow());
      return isNew ? { status: 201 as const, body } : { status: 200 as const, body };
    });
  }

  return {
    // ── Accounts and money
    'list-accounts': async (_call, { params }) => {
      const accounts = await listAccounts(db.query, expectAse(params.ase).key);
      return { status: 200, body: { accounts: accounts.map(toAccountBody) } };
    },
    'create-account': async (call, { params, body }) => {
      const { key } = expectAse(params.ase);
      const account = { id: body.id, asset: { code: body.assetCode, scale: body.assetScale } };
      return call.transaction(async (tx) => ({
        status: 201,
        body: toAccountBody(await createAccount(tx, key, account)),
      }));
    },
    'create-deposit': (call, { params, body }) => book(call, params.ase, 'deposit', body),
    'create-withdrawal': (call, { params, body }) => book(call, params.ase, 'withdrawal', body),

    // ── Wallet addresses
    'list-wallet-addresses': async (_call, { params }) => {
      const walletAddresses = await listWalletAddresses(db.query, expectAse(params.ase).key);
      return { status: 200, body: { walletAddresses: walletAddresses.map(toWalletAddressBody) } };
    },
    'create-wallet-address': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      return call.transaction(async (tx) => {
        const created = await createWalletAddress(tx, ase.key, ase, body, ase.ids, businessNow());
        return { status: 201, body: toWalletAddressBody(created) };
      });
    },
    'change-wallet-address': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      const reply = await call.transaction(async (tx) => {
        const changed = await changeWalletAddress(tx, ase.key, params.walletAddress, body, businessNow());
        return { status: 200 as const, body: toWalletAddressBody(changed) };
      });
      ase.forgetKeys(reply.body.url);
      return reply;
    },

    // ── Keys
    'list-wallet-address-keys': async (_call, { params }) => {
      const { key } = expectAse(params.ase);
      const { id } = await getWalletAddress(db.query, key, params.walletAddress);
      return { status: 200, body: { keys: await listKeys(db.query, key, id) } };
    },
    'register-wallet-address-key': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      const { id, url } = await getWalletAddress(db.query, ase.key, params.walletAddress);
      const reply = await call.transaction(async (tx) => ({
        status: 201 as const,
        body: { ...(await registerKey(tx, ase.key, id, body, businessNow())) },
      }));
      ase.forgetKeys(url);
      return reply;
    },
    'revoke-wallet-address-key': async (call, { params }) => {
      const ase = expectAse(params.ase);
      const { id, url } = await getWalletAddress(db.query, ase.key, params.walletAddress);
      const reply = await call.transaction(async (tx) => {
        await revokeKey(tx, ase.key, id, params.kid);
        return { status: 204 as const };
      });
      ase.forgetKeys(url);
      return reply;
    },

    // ── Peers
    'list-peers': async (_call, { params }) => {
      const peers = await listPeers(db.query, expectAse(params.ase).key);
      return { status: 200, body: { peers: peers.map(toPeerBody) } };
    },
    'create-peer': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, ase) => {
        const rules = { prefix: ase.prefix, allowHttp: ase.local };
        const { maxPacketAmount, balanceLimit: _limit, ...rest } = body;
        const peer = { ...rest, ...readPeerAmounts(body), maxPacketAmount: BigInt(maxPacketAmount) };
        return { status: 201, body: toPeerBody(await createPeer(tx, ase.key, rules, peer)) };
      }),
    'change-peer': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, ase) => {
        const rules = { prefix: ase.prefix, allowHttp: ase.local };
        const { maxPacketAmount: _amount, balanceLimit: _limit, ...rest } = body;
        const change = { ...rest, ...readPeerAmounts(body) };
        return { status: 200, body: toPeerBody(await changePeer(tx, ase.key, rules, params.peer, change)) };
      }),
    'remove-peer': (call, { params }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        await removePeer(tx, key, params.peer);
        return { status: 204 };
      }),

    // ── Fees and prices
    'list-fees': async (_call, { params }) => {
      const fees = await listFees(db.query, expectAse(params.ase).key);
      return { status: 200, body: { fees: fees.map(({ asset, fee }) => toFeeBody(asset, fee)) } };
    },
    'set-fee': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        const asset = { code: params.assetCode, scale: Number(params.assetScale) };
        const fee = { basisPoints: body.basisPoints, fixed: BigInt(body.fixed) };
        await setFee(tx, key, { asset, fee });
        return { status: 200, body: toFeeBody(asset, fee) };
      }),
    'get-prices': async (_call, { params }) => ({
      status: 200,
      body: { prices: await readPrices(db.query, expectAse(params.ase).key) },
    }),
    'set-prices': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        await setPrices(tx, key, body.prices);
        return { status: 200, body };
      }),

    'get-rate-source': async (_call, { params }) => ({
      status: 200,
      body: { url: (await readRateSource(db.query, expectAse(params.ase).key)) ?? null },
    }),
    'set-rate-source': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key, local }) => ({
        status: 200,
        body: { url: await setRateSource(tx, key, { allowHttp: local }, body.url) },
      })),

    // ── Grants
    'list-grants': async (_call, { params, query }) => {
      const { items, ...page } = await listGrants(db.query, expectAse(params.ase).key, query);
      return { status: 200, body: { grants: items.map(toGrantBody), ...toPageBody(page) } };
    },
    'revoke-grant': async (call, { params }) => {
      const { key } = expectAse(params.ase);
      return call.transaction(async (tx) => {
        await revokeGrant(tx, key, params.grant);
        return { status: 204 };
      });
    },

    // ── Secrets
    'list-secrets': async (_call, { params }) => ({
      status: 200,
      body: { secrets: await listSecrets(db.query, expectAse(params.ase).key) },
    }),
    'add-secret': (call, { params }) =>
      changeSettings(call, params.ase, async (tx, ase) => ({
        status: 201,
        body: await addSecret(tx, ase.key, ase.ids),
      })),
  } satisfies AdministrationApiHandlers<Call<undefined>>;
}

export const toGrantBody = ({ clientName, createdAt, access, ...grant }: GrantDescription) => ({
  ...grant,
  clientName: clientName ?? null,
  access: access.map((item) => ({ ...item })),
  createdAt: toInstant(createdAt),
});

export const toPageBody = ({ endCursor, hasNextPage }: Omit<Page<unknown>, 'items'>) => ({
  endCursor: endCursor ?? null,
  hasNextPage,
});

const toAccountBody = ({ id, asset, balance }: { id: string; asset: Asset; balance: bigint }) => ({
  id,
  assetCode: asset.code,
  assetScale: asset.scale,
  balance: `${balance}`,
});

const toWalletAddressBody = ({ publicName, asset, createdAt, ...walletAddress }: WalletAddress) => ({
  ...walletAddress,
  publicName: publicName ?? null,
  assetCode: asset.code,
  assetScale: asset.scale,
  createdAt: toInstant(createdAt),
});

const toPeerBody = ({ maxPacketAmount, balanceLimit, ...peer }: PeerDescription) => ({
  ...peer,
  maxPacketAmount: `${maxPacketAmount}`,
  balanceLimit: balanceLimit === undefined ? null : `${balanceLimit}`,
});

/** Only the members that are there: the others stay as they are. */
const readPeerAmounts = (body: { maxPacketAmount?: string; balanceLimit?: string | null }) => ({
  ...(body.maxPacketAmount !== undefined && { maxPacketAmount: BigInt(body.maxPacketAmount) }),
  ...(body.balanceLimit !== undefined && {
    balanceLimit: body.balanceLimit === null ? null : BigInt(body.balanceLimit),
  }),
});

const toFeeBody = (asset: Asset, fee: { basisPoints: number; fixed: bigint }) => ({
  assetCode: asset.code,
  assetScale: asset.scale,
  basisPoints: fee.basisPoints,
  fixed: `${fee.fixed}`,
});
