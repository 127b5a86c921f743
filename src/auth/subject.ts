/** Subject information: proof that a wallet address belongs to whoever consents (RFC 9635 §2.2, §3.4; AS-60…63). */

/** Exactly one identifier, a wallet address; the schema sees to the number and the format. */
export interface Subject {
  sub_ids: { id: string; format: 'uri' }[];
}
