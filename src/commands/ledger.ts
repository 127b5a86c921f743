/** `touchstone ledger`: the books of each ASE of a running world, with their trial balance. */
import { type Config, ConfigError } from '../config.ts';
import { formatAmount } from './start.ts';

interface Books {
  readonly name: string;
  readonly balanced: boolean;
  readonly accounts: readonly {
    readonly account: string;
    readonly assetCode: string;
    readonly assetScale: number;
    readonly debits: string;
    readonly credits: string;
    readonly balance: string;
  }[];
  readonly totals: readonly {
    readonly assetCode: string;
    readonly assetScale: number;
    readonly debits: string;
    readonly credits: string;
  }[];
}

export async function printLedger(config: Config, control: string | undefined): Promise<void> {
  const origin = control ?? `http://localhost:${config.controlPort ?? config.port + 900}`;
  if (config.controlToken === undefined)
    throw new ConfigError('touchstone ledger needs --control-token, which the banner of the world shows');
  const response = await fetch(`${origin}/ledger`, {
    headers: { authorization: `Bearer ${config.controlToken}` },
  }).catch(() => {
    throw new ConfigError(`no world answers at ${origin}; give its --control-port`);
  });
  const body = (await response.json()) as { ases: readonly Books[]; error?: { description: string } };
  if (!response.ok) throw new ConfigError(`${origin} refused: ${body.error?.description}`);
  for (const books of body.ases) process.stdout.write(printBooks(books));
  if (!body.ases.every(({ balanced }) => balanced)) process.exitCode = 1;
}

function printBooks({ name, balanced, accounts, totals }: Books): string {
  const row = (account: string, asset: string, ...amounts: string[]) =>
    `  ${account.padEnd(32)} ${asset.padEnd(8)} ${amounts.map((amount) => amount.padStart(16)).join(' ')}`;
  const amount = (value: string, scale: number) => formatAmount(BigInt(value), scale);
  return [
    name,
    row('account', 'asset', 'debits', 'credits', 'balance'),
    ...accounts.map((a) =>
      row(
        a.account,
        `${a.assetCode}/${a.assetScale}`,
        ...[a.debits, a.credits, a.balance].map((v) => amount(v, a.assetScale)),
      ),
    ),
    ...totals.map((t) =>
      row(
        'total',
        `${t.assetCode}/${t.assetScale}`,
        amount(t.debits, t.assetScale),
        amount(t.credits, t.assetScale),
        '',
      ),
    ),
    `  ${balanced ? 'balanced' : 'NOT BALANCED'}`,
    '',
    '',
  ].join('\n');
}
