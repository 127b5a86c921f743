/** The parties of a run in relation to each other: whether ASEs differ, and a second wallet address of the payer's. */
import { NotApplicable } from '../runner/capability.ts';
import type { CheckContext, Party } from '../runner/check.ts';
import type { Amount } from './scenarios.ts';
import { discoverParty } from './world.ts';

/** For checks about resources of another server. */
export function expectTwoAses({ sender, receiver }: CheckContext): void {
  if (sender.resourceServer === receiver.resourceServer) throw new NotApplicable('second-ase');
}

/** The wallet address of the client, where the ASE of the sender hosts it. */
export function secondWallet(context: CheckContext): Promise<Party> {
  const { call, sender, target } = context;
  return context.shared('second wallet', async () => {
    const party = await discoverParty(call, target.client);
    if (party.resourceServer !== sender.resourceServer) throw new NotApplicable('second-wallet');
    return party;
  });
}

/** An amount in an asset that no party has; `XTS` is the code for tests in ISO 4217. */
export const foreignAmount = ({ assetCode, assetScale }: Party, value: string): Amount => ({
  value,
  assetCode: assetCode === 'XTS' ? 'XXX' : 'XTS',
  assetScale,
});
