/** Parsers of the switches and grant rules in a world file. */
import type { GrantRules } from '../../auth/deps.ts';
import type { Switches } from '../../profile.ts';
import { boolean, integer, list, object, optional, type Reader, text } from './document-reader.ts';

/** Accepts one of these words. */
const word = <const W extends string>(...words: readonly W[]): Reader<W> =>
  text(`one of ${words.join(', ')}`, (value) => words.find((known) => known === value));

const milliseconds = integer(0, 86_400_000);
const leniency = word('ignore', 'refuse');

const readers: { readonly [Name in keyof Switches]: Reader<Switches[Name]> } = {
  lenientSignatureForms: boolean,
  digestOfCompactJson: boolean,
  requireTagGnap: boolean,
  rejectRepeatedSignatures: boolean,
  signatureMaxAgeMs: milliseconds,
  signatureSkewMs: milliseconds,
  clientKeyMaxAgeMs: milliseconds,
  hashEncoding: word('base64', 'base64url'),
  publicGetWithForeignToken: boolean,
  quoteIdentifier: word('accept', 'refuse'),
  rotateWithForeignToken: boolean,
  rotateContinuation: boolean,
  clientWithoutName: word('refuse', 'show-address'),
  unknownLimitMembers: leniency,
  unknownAmountMembers: leniency,
  unknownQueryParameters: leniency,
};

const members = Object.entries(readers).map(([name, reader]) => [name, optional(reader as Reader<unknown>)] as const);

/** Some switches; the others keep the value of the profile. */
export const switches = object(Object.fromEntries(members)) as Reader<Partial<Switches>>;

const lifetime = integer(1, 31_536_000);

export const grants: Reader<GrantRules> = object({
  consentFor: optional(list(word('incoming-payment', 'quote'))),
  consentForListAll: optional(boolean),
  waitSeconds: optional(integer(0, 3600)),
  tokenSeconds: optional(lifetime),
  interactionSeconds: optional(lifetime),
});
