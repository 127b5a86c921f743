/**
 * Mutants that the properties must notice: mostly those of single checks, so that a property is seen to find what a
 * person thought of.
 */
import { authMutants } from './auth.ts';
import { continuationMutants } from './continuation.ts';
import { digestMutants } from './digests-and-keys.ts';
import { grantAnswerMutants } from './grant-answer.ts';
import { limitMutants } from './limits.ts';
import { listMutants } from './lists.ts';
import type { Mutant } from './mutant.ts';
import { outgoingPaymentMutants } from './outgoing-payments.ts';
import { pipelineMutants } from './pipeline.ts';
import { quoteMutants } from './quotes.ts';
import { resourceMutants } from './resource.ts';
import { signatureMutants } from './signatures.ts';
import { walletAddressMutants } from './wallet-address.ts';

const others: readonly Mutant[] = [
  ...authMutants,
  ...continuationMutants,
  ...digestMutants,
  ...grantAnswerMutants,
  ...limitMutants,
  ...listMutants,
  ...outgoingPaymentMutants,
  ...pipelineMutants,
  ...quoteMutants,
  ...resourceMutants,
  ...signatureMutants,
  ...walletAddressMutants,
];

/** Properties that fail, by the id of the mutant. */
const noticed: Readonly<Record<string, readonly string[]>> = {
  'pipeline.schema-not-enforced': [
    'incoming-payment.invalid',
    'quote.invalid',
    'outgoing-payment.invalid',
    'incoming-payment.invalid-pages',
    'outgoing-payment.invalid-pages',
  ],
  'pipeline.malformed-body-is-our-fault': [
    'incoming-payment.anything',
    'quote.anything',
    'outgoing-payment.anything',
    'grant.anything',
    'continuation.anything',
  ],
  'grant.schema-not-enforced': ['grant.invalid', 'continuation.invalid'],
  'grant.consent-never-due': ['grant.valid'],
  'token.revoked-lives': ['grant.lifecycle'],
  'metadata.empty-is-none': ['incoming-payment.valid'],
  'outgoing-payment.metadata-lost': ['outgoing-payment.valid'],
  'incoming-payment.completed-twice': ['incoming-payment.lifecycle'],
  'limit.not-enforced': ['outgoing-payment.lifecycle'],
  'list.oldest-first': ['incoming-payment.pages', 'outgoing-payment.pages'],
  'quote.debit-not-kept': ['quote.valid'],
  'signature.parameters-in-our-order': ['signature.valid'],
  'signature.any-signature': ['signature.invalid'],
  'digest.sha-512-only': ['digest.valid'],
  'digest.not-compared': ['digest.invalid'],
  'wallet-address.token-refused': ['wallet-address.credentials'],
  'wallet-address.images-answered-with-json': ['wallet-address.accept'],
  'wallet-address.post-reads': ['wallet-address.methods'],
};

export const propertyMutants: readonly Mutant[] = [
  ...Object.entries(noticed).map(([id, properties]): Mutant => {
    const mutant = others.find((other) => other.id === id);
    if (!mutant) throw new Error(`mutant ${id} is missing`);
    return { ...mutant, id: `property.${id}`, fails: properties.map((name) => `property.${name}`) };
  }),
  {
    id: 'property.delivery-costs-more',
    file: 'src/payments/quote-amounts.ts',
    at: 'const net = «convertUp(receiveAmount, invertRate(rate))»;',
    by: '2n * convertUp(receiveAmount, invertRate(rate))',
    fails: ['property.quote.monotonic'],
  },
  {
    id: 'property.any-digest-field',
    file: 'src/http/signatures/content-digest.ts',
    at: 'if («!dictionary.ok») return',
    by: '(() => { if (!dictionary.ok) throw new Error(dictionary.detail); return false; })()',
    fails: ['property.digest.anything'],
  },
  {
    id: 'property.any-signature-field',
    file: 'src/http/signatures/signature-input.ts',
    at: 'const parsed = «parseDictionary(text, { unquotedNames: switches.lenientSignatureForms })»;',
    by: '((found) => { if (!found.ok) throw new Error(found.detail); return found; })(parseDictionary(text, { unquotedNames: switches.lenientSignatureForms }))',
    fails: ['property.signature.anything'],
  },
  {
    id: 'property.unknown-wallet-address-is-our-fault',
    file: 'src/wallet-address/handlers.ts',
    at: "if (!row) throw «new Problem('not_found')»",
    by: "new Error('not found')",
    fails: ['property.wallet-address.unknown'],
  },
];
