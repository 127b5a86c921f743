// All checks, in the order in which they run.
import type { Check } from '../runner/check.ts';
import { administrationChecks } from './administration.ts';
import { bookkeepingChecks } from './bookkeeping.ts';
import { clientKeyChecks } from './client-keys.ts';
import { consentChecks } from './consent.ts';
import { consentDecisionChecks } from './consent-decision.ts';
import { continuationChecks } from './continuation.ts';
import { discoveryChecks } from './discovery.ts';
import { eventChecks } from './events.ts';
import { exchangeChecks } from './exchanges.ts';
import { faultChecks } from './faults.ts';
import { foreignReceiverChecks } from './foreign-receiver.ts';
import { grantAnswerChecks } from './grant-answer.ts';
import { grantRefusalChecks } from './grant-request.ts';
import { grantRuleChecks } from './grant-rules.ts';
import { grantStateChecks } from './grant-states.ts';
import { hostileChecks } from './hostile.ts';
import { incomingPaymentChecks } from './incoming-payment.ts';
import { interactionChecks } from './interaction.ts';
import { interactionEndChecks } from './interaction-end.ts';
import { interledgerReceiverChecks } from './interledger-receiver.ts';
import { interledgerRefusalChecks } from './interledger-refusals.ts';
import { interledgerSenderChecks } from './interledger-sender.ts';
import { introspectionChecks } from './introspection.ts';
import { limitChecks } from './limits.ts';
import { listChecks } from './list.ts';
import { metadataChecks } from './metadata.ts';
import { outgoingPaymentChecks } from './outgoing-payment.ts';
import { outgoingPaymentEndChecks } from './outgoing-payment-end.ts';
import { profileChecks } from './profiles.ts';
import { quoteChecks } from './quote.ts';
import { quoteTermsChecks } from './quote-terms.ts';
import { resourceRefusalChecks } from './resource-refusals.ts';
import { settlementChecks } from './settlement.ts';
import { signatureFormChecks } from './signature-forms.ts';
import { signatureVectorChecks } from './signature-vectors.ts';
import { signatureChecks } from './signatures.ts';
import { spentAmountChecks } from './spent-amounts.ts';
import { targetChecks } from './target.ts';
import { timeChecks } from './time.ts';
import { tokenChecks } from './token.ts';
import { walletAddressChecks } from './wallet-address.ts';
import { walletAddressExtensionChecks } from './wallet-address-extensions.ts';

export const checks: readonly Check[] = [
  ...settlementChecks,
  ...interledgerReceiverChecks,
  ...interledgerRefusalChecks,
  ...interledgerSenderChecks,
  ...walletAddressChecks,
  ...walletAddressExtensionChecks,
  ...discoveryChecks,
  ...grantRefusalChecks,
  ...grantAnswerChecks,
  ...grantRuleChecks,
  ...grantStateChecks,
  ...clientKeyChecks,
  ...interactionChecks,
  ...interactionEndChecks,
  ...consentChecks,
  ...consentDecisionChecks,
  ...continuationChecks,
  ...tokenChecks,
  ...signatureFormChecks,
  ...signatureChecks,
  ...signatureVectorChecks,
  ...profileChecks,
  ...resourceRefusalChecks,
  ...incomingPaymentChecks,
  ...listChecks,
  ...quoteChecks,
  ...metadataChecks,
  ...quoteTermsChecks,
  ...outgoingPaymentChecks,
  ...foreignReceiverChecks,
  ...limitChecks,
  ...spentAmountChecks,
  ...outgoingPaymentEndChecks,
  ...introspectionChecks,
  ...administrationChecks,
  ...bookkeepingChecks,
  ...eventChecks,
  ...targetChecks,
  ...faultChecks,
  ...exchangeChecks,
  ...timeChecks,
  ...hostileChecks,
];
