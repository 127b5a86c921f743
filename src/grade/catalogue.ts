/**
 * The requirements on clients of Open Payments by area, in the words of this project. They are TypeScript rather than
 * data, so that the compiler checks every id that a probe or a judge names, and no parser runs at the start.
 */
import type { Requirement } from './requirement.ts';
import { continuation } from './requirements/continuation.ts';
import { digests } from './requirements/digests.ts';
import { grantRequests } from './requirements/grant-requests.ts';
import { http } from './requirements/http.ts';
import { incomingPayments } from './requirements/incoming-payments.ts';
import { interaction } from './requirements/interaction.ts';
import { keys } from './requirements/keys.ts';
import { lists } from './requirements/lists.ts';
import { outgoingPayments } from './requirements/outgoing-payments.ts';
import { quotes } from './requirements/quotes.ts';
import { security } from './requirements/security.ts';
import { signatures } from './requirements/signatures.ts';
import { tokens } from './requirements/tokens.ts';
import { walletAddresses } from './requirements/wallet-addresses.ts';

const all = {
  ...signatures,
  ...digests,
  ...keys,
  ...grantRequests,
  ...interaction,
  ...continuation,
  ...tokens,
  ...walletAddresses,
  ...incomingPayments,
  ...quotes,
  ...outgoingPayments,
  ...lists,
  ...http,
  ...security,
};

export type RequirementId = keyof typeof all;

/** All requirements by id, in the order of the areas. */
export const requirements: Readonly<Record<RequirementId, Requirement>> = all;

export const requirementIds = Object.keys(all) as RequirementId[];

/** Titles of the areas, by the prefix of their ids. */
export const areas = {
  'CL-SIG': 'Signatures',
  'CL-DIG': 'Content digests',
  'CL-KEY': 'Keys',
  'CL-GNAP': 'Grants',
  'CL-TOK': 'Access tokens',
  'CL-WA': 'Wallet addresses',
  'CL-IP': 'Incoming payments',
  'CL-Q': 'Quotes',
  'CL-OP': 'Outgoing payments',
  'CL-LST': 'Lists',
  'CL-HTTP': 'HTTP',
  'CL-SEC': 'Security',
} as const;

export type Area = keyof typeof areas;

export const areaNames = Object.keys(areas) as Area[];

/** Ids of an area. */
export const idsOf = (area: Area): RequirementId[] => requirementIds.filter((id) => id.startsWith(`${area}-`));
