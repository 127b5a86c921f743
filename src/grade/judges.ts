/** The judges by requirement. A requirement without one is an error of the compiler. */
import type { RequirementId } from './catalogue.ts';
import type { Judge } from './judge.ts';
import { continuationJudges } from './judges/continuation.ts';
import { digestsJudges } from './judges/digests.ts';
import { grantRequestsJudges } from './judges/grant-requests.ts';
import { httpJudges } from './judges/http.ts';
import { incomingPaymentsJudges } from './judges/incoming-payments.ts';
import { interactionJudges } from './judges/interaction.ts';
import { keysJudges } from './judges/keys.ts';
import { listsJudges } from './judges/lists.ts';
import { outgoingPaymentsJudges } from './judges/outgoing-payments.ts';
import { quotesJudges } from './judges/quotes.ts';
import { securityJudges } from './judges/security.ts';
import { signaturesJudges } from './judges/signatures.ts';
import { tokensJudges } from './judges/tokens.ts';
import { walletAddressesJudges } from './judges/wallet-addresses.ts';

export const judges: Readonly<Record<RequirementId, Judge>> = {
  ...signaturesJudges,
  ...digestsJudges,
  ...keysJudges,
  ...grantRequestsJudges,
  ...interactionJudges,
  ...continuationJudges,
  ...tokensJudges,
  ...walletAddressesJudges,
  ...incomingPaymentsJudges,
  ...quotesJudges,
  ...outgoingPaymentsJudges,
  ...listsJudges,
  ...httpJudges,
  ...securityJudges,
};
