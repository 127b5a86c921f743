/** The commands of the program, and the arguments that they take besides options. */
export const commands = {
  start: 'run a world: two ASEs, wallets with money, a client with a key',
  grade: 'run the command of a client in a fresh world, and judge what it sent',
  ledger: 'print the ledgers of a running world, with their trial balances',
  reconcile: 'compare what two peers state about their accounts with each other',
  payments: 'list the outgoing payments of a running world, or cancel one that is stuck',
  log: 'print the requests of a running world as they happen',
  explain:
    'explain a requirement on clients, an area, a probe, an error reply, or an exchange of a running world or a report',
  vectors: 'print where the test vectors are: signatures, hashes, intervals, amounts, packets',
} as const;

export type Command = keyof typeof commands;

/** The commands that take an argument without a flag, with its name in `--help`. */
export const operands: Readonly<Partial<Record<Command, string>>> = { explain: 'ID', grade: '-- COMMAND…' };

/** First argument of `touchstone explain exchange 12`, the only one that a second one follows. */
export const EXCHANGE = 'exchange';
