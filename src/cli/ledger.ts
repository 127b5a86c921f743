/** `touchstone ledger`: the books of each ASE of a running world, with their trial balance. */
import { type ControlApi, openControlApi } from './control-client.ts';
import { formatAmount } from './format-amount.ts';
import type { Config } from './options.ts';

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

interface BooksPage extends Books {
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

interface PacketList {
  readonly packets: readonly {
    readonly payment: string;
    readonly peer: string;
    readonly assetCode: string;
    readonly assetScale: number;
    readonly amount: string;
    readonly since: string;
  }[];
  readonly hasNextPage: boolean;
}

interface ReversalList {
  readonly transfers: readonly { readonly reverses: string; readonly reason: string; readonly createdAt: string }[];
  readonly hasNextPage: boolean;
}

export async function printLedger(config: Config, control: string | undefined): Promise<void> {
  const api = openControlApi(config, 'ledger', control);
  const { ases } = (await api.read('/ledger')) as { ases: readonly BooksPage[] };
  for (const first of ases) {
    const books = await readWhole(api, first);
    process.stdout.write(printBooks(books));
    if (!books.balanced) process.exitCode = 1;
    const packets = await api.read(`/ases/${books.name}/packets-in-doubt?first=100`);
    const reversals = await api.read(`/ases/${books.name}/reversals?first=100`);
    process.stdout.write(printRemarks(packets as PacketList, reversals as ReversalList));
  }
}

/** Reads the pages that follow, and adds up their totals. */
async function readWhole(api: ControlApi, first: BooksPage): Promise<Books> {
  const pages = [first];
  for (let last = first; last.hasNextPage; ) {
    const query = new URLSearchParams({ ase: first.name, cursor: last.endCursor! });
    const { ases } = (await api.read(`/ledger?${query}`)) as { ases: readonly [BooksPage] };
    last = ases[0];
    pages.push(last);
  }
  const byAsset = Map.groupBy(
    pages.flatMap(({ totals }) => totals),
    ({ assetCode, assetScale }) => `${assetCode}/${assetScale}`,
  );
  const add = (amounts: readonly string[]): string => `${amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)}`;
  const totals = [...byAsset.values()].map((parts) => ({
    ...parts[0]!,
    debits: add(parts.map(({ debits }) => debits)),
    credits: add(parts.map(({ credits }) => credits)),
  }));
  const balanced =
    pages.every((page) => page.balanced) && totals.every(({ debits, credits }) => BigInt(debits) === BigInt(credits));
  return { name: first.name, balanced, accounts: pages.flatMap(({ accounts }) => accounts), totals };
}

/** Packets in doubt, which the operator has to look into, and reversals. */
function printRemarks(inDoubt: PacketList, reversals: ReversalList): string {
  const packets = inDoubt.packets.map(
    ({ payment, peer, assetCode, assetScale, amount, since }) =>
      `  in doubt  ${formatAmount(BigInt(amount), assetScale)} ${assetCode} to ${peer} since ${since}, payment ${payment}`,
  );
  const reversed = reversals.transfers.map(
    ({ reverses, reason, createdAt }) => `  reversed  ${reverses} at ${createdAt}: ${JSON.stringify(reason)}`,
  );
  const more = [...(inDoubt.hasNextPage ? ['packets in doubt'] : []), ...(reversals.hasNextPage ? ['reversals'] : [])];
  return [...packets, ...reversed, ...more.map((kind) => `  and more ${kind}`), ''].join('\n');
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
  ].join('\n');
}
