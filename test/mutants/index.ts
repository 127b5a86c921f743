/** All mutants. */
import { authMutants } from './auth.ts';
import { catalogueMutants } from './catalogue.ts';
import { consentMutants } from './consent.ts';
import { continuationMutants } from './continuation.ts';
import { controlMutants } from './control.ts';
import { declaredAnswerMutants } from './declared-answers.ts';
import { deploymentMutants } from './deployment.ts';
import { clientKeyMutants, digestMutants, profileMutants } from './digests-and-keys.ts';
import { eventMutants } from './events.ts';
import { exchangeMutants } from './exchanges.ts';
import { foreignReceiverMutants } from './foreign-receiver.ts';
import { grantAnswerMutants } from './grant-answer.ts';
import { grantModelMutants } from './grant-model.ts';
import { grantRaceMutants } from './grant-races.ts';
import { hostileMutants } from './hostile.ts';
import { inspectorMutants } from './inspector.ts';
import { interactionMutants } from './interaction.ts';
import { interactionEndMutants } from './interaction-end.ts';
import { interledgerMutants } from './interledger.ts';
import { limitMutants } from './limits.ts';
import { listenerMutants } from './listener.ts';
import { listMutants } from './lists.ts';
import { moneyMutants } from './money.ts';
import type { Mutant } from './mutant.ts';
import { networkMutants } from './network.ts';
import { operationsMutants } from './operations.ts';
import { outgoingPaymentMutants } from './outgoing-payments.ts';
import { paymentRaceMutants } from './payment-races.ts';
import { pipelineMutants } from './pipeline.ts';
import { propertyMutants } from './properties.ts';
import { quoteMutants } from './quotes.ts';
import { replicaMutants } from './replica.ts';
import { reportMutants } from './reports.ts';
import { resourceMutants } from './resource.ts';
import { sendingMutants } from './sending.ts';
import { signatureBaseMutants } from './signature-base.ts';
import { signatureMutants } from './signatures.ts';
import { trapMutants } from './traps.ts';
import { userMistakeMutants } from './user-mistakes.ts';
import { walletAddressMutants } from './wallet-address.ts';

export const mutants: readonly Mutant[] = [
  ...authMutants,
  ...catalogueMutants,
  ...consentMutants,
  ...continuationMutants,
  ...controlMutants,
  ...declaredAnswerMutants,
  ...deploymentMutants,
  ...eventMutants,
  ...exchangeMutants,
  ...replicaMutants,
  ...reportMutants,
  ...foreignReceiverMutants,
  ...grantAnswerMutants,
  ...grantModelMutants,
  ...grantRaceMutants,
  ...hostileMutants,
  ...inspectorMutants,
  ...interactionMutants,
  ...interactionEndMutants,
  ...interledgerMutants,
  ...limitMutants,
  ...listenerMutants,
  ...moneyMutants,
  ...networkMutants,
  ...operationsMutants,
  ...paymentRaceMutants,
  ...pipelineMutants,
  ...propertyMutants,
  ...resourceMutants,
  ...listMutants,
  ...quoteMutants,
  ...outgoingPaymentMutants,
  ...sendingMutants,
  ...signatureMutants,
  ...signatureBaseMutants,
  ...trapMutants,
  ...digestMutants,
  ...clientKeyMutants,
  ...profileMutants,
  ...userMistakeMutants,
  ...walletAddressMutants,
];
