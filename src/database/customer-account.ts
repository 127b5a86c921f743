/** A customer's account: the id that people know, and the one under which it stands in the ledger (SET-07). */
const PREFIX = 'customer:';

export const customerAccountId = (id: string): string => PREFIX + id;

/** The id that people know, of an account that is a customer's. */
export const customerOf = (accountId: string): string => accountId.slice(PREFIX.length);
