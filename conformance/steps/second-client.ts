/** Another client than the run's: its key set, its grants, and its tokens. */

import type { CheckContext, Party } from '../runner/check.ts';
import type { Identity } from '../runner/target.ts';
import { expectStatus } from './expect.ts';
import { type Asker, obtainConsent, passWait, requestInteractiveGrant } from './scenarios.ts';
import type { Json } from './signed-client.ts';

export interface SecondClient extends Asker {
  readonly identity: Identity;
}

/** A client with a wallet address and a fresh key. */
export async function addClient(context: CheckContext, keyId: string): Promise<SecondClient> {
  const identity = context.newIdentity(keyId);
  return { client: (await context.clientHost.add([identity.jwk])).url, identity };
}

/** The token of a grant that the owner consents to, at the ASE of this party. */
export async function obtainToken(
  context: CheckContext,
  party: Party,
  access: Json,
  asker: SecondClient,
): Promise<string> {
  const atParty = { ...context, sender: party };
  const pending = await requestInteractiveGrant(atParty, [access], true, asker);
  const interact_ref = await obtainConsent(atParty, pending);
  await passWait(atParty, pending.body);
  const { uri, access_token } = pending.body.continue;
  const answer = await context.call({
    operation: 'post-continue',
    method: 'POST',
    url: uri,
    json: { interact_ref },
    token: access_token.value,
    sign: asker.identity,
  });
  return expectStatus(answer, 200).body.access_token.value;
}
