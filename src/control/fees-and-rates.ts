/** Fees, prices and the rate source of an ASE. */
import type { Handlers } from '../../generated/control/routes.ts';
import { findPrices, listFees, setFees, setPrices } from '../administration/fees.ts';
import { findRateSource, setRateSource } from '../administration/rate-source.ts';
import type { Asset } from '../open-payments/amount.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody } from './bodies.ts';

const toFeeBody = (asset: Asset, fee: { basisPoints: number; fixed: bigint }) => ({
  ...toAssetBody(asset),
  basisPoints: fee.basisPoints,
  fixed: `${fee.fixed}`,
});

export function createFeeAndRateHandlers(deps: AdministrationDeps) {
  const { db } = deps;
  const { expectAse, changeSettings } = createAseAccess(deps);
  return {
    'list-fees': async (_call, { params }) => {
      const fees = await listFees(db.query, expectAse(params.ase).key);
      return { status: 200, body: { fees: fees.map(({ asset, fee }) => toFeeBody(asset, fee)) } };
    },
    'set-fee': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        const asset = { code: params.assetCode, scale: Number(params.assetScale) };
        const fee = { basisPoints: body.basisPoints, fixed: BigInt(body.fixed) };
        await setFees(tx, key, [{ asset, fee }]);
        return { status: 200, body: toFeeBody(asset, fee) };
      }),
    'get-prices': async (_call, { params }) => ({
      status: 200,
      body: { prices: await findPrices(db.query, expectAse(params.ase).key) },
    }),
    'set-prices': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        await setPrices(tx, key, body.prices);
        return { status: 200, body };
      }),

    'get-rate-source': async (_call, { params }) => ({
      status: 200,
      body: { url: (await findRateSource(db.query, expectAse(params.ase).key)) ?? null },
    }),
    'set-rate-source': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, { key, local }) => ({
        status: 200,
        body: { url: await setRateSource(tx, key, { allowHttp: local }, body.url) },
      })),
  } satisfies Partial<Handlers<ControlCall>>;
}
