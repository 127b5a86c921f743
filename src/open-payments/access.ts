/** Access rights (RFC 9635 §8) as Open Payments defines them, in their stored form. */
import type { WireAmount } from './amount.ts';

/** The most that an outgoing-payment item may spend: in all, or in each interval. */
export type Limits = {
  receiver?: string;
  interval?: string;
  debitAmount?: WireAmount;
  receiveAmount?: WireAmount;
};

export interface IncomingPaymentAccess {
  type: 'incoming-payment';
  actions: ('create' | 'complete' | 'read' | 'read-all' | 'list' | 'list-all')[];
  identifier?: string;
}

export interface QuoteAccess {
  type: 'quote';
  actions: ('create' | 'read' | 'read-all')[];
  /** Outside of the document; kept as a scope where the switch `quoteIdentifier` accepts it (AMB-05). */
  identifier?: string;
}

export interface OutgoingPaymentAccess {
  type: 'outgoing-payment';
  actions: ('create' | 'read' | 'read-all' | 'list' | 'list-all')[];
  identifier: string;
  limits?: Limits;
}

/** One access item, as granted and stored. Identifiers are canonical wallet address URLs. */
export type Access = IncomingPaymentAccess | QuoteAccess | OutgoingPaymentAccess;

/** Subject information: proof that a wallet address belongs to whoever consents (RFC 9635 §2.2, §3.4; AS-60…63). */

/** Exactly one identifier, a wallet address; the schema sees to the number and the format. */
export interface Subject {
  sub_ids: { id: string; format: 'uri' }[];
}
