/** A customer account: converts between its public id and its id in the ledger (SET-07). */
const PREFIX = 'customer:';

export const customerAccountId = (id: string): string => PREFIX + id;

/** The id that people know, of an account that is a customer's. */
export const customerOf = (accountId: string): string => accountId.slice(PREFIX.length);
