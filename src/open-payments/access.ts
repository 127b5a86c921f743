/** Access rights (RFC 9635 §8) as Open Payments defines them, in their stored form. */
import type { WireAmount } from './amount.ts';

/** Maximum that an outgoing-payment item may spend: in total, or in each interval. */
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
  /** Not in the OpenAPI document; restricts the item if the switch `quoteIdentifier` accepts it (AMB-05). */
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

/** An access item of any type, as servers pass it on; only outgoing payments have limits. */
export interface AccessItem {
  readonly type: Access['type'];
  readonly actions: readonly string[];
  /** A wallet address. Without one the item covers every wallet address of the ASE (RS-IP-29). */
  readonly identifier?: string;
  readonly limits?: Limits;
}

/**
 * Subject information: proof that the person who consents holds a wallet address (RFC 9635 §2.2, §3.4). The schema
 * allows exactly one identifier, a wallet address (AS-60…63).
 */
export interface Subject {
  sub_ids: { id: string; format: 'uri' }[];
}
