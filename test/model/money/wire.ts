/** The wire form of what the model of the money speaks of. */
import { type Asset, nameOf } from './amounts.ts';
import type { Action, Amount, Answer, World } from './state.ts';

/** When sequences begin. */
export const BEGINNING = '2031-03-30T00:00:00.000Z';

export const write = (value: bigint, { code, scale }: Asset) => ({
  value: `${value}`,
  assetCode: code,
  assetScale: scale,
});

export function writeLimits({ grants, wallets }: World, number: number) {
  const { wallet, debit, receive, interval } = grants[number]!;
  const { code, scale } = wallets[wallet]!.asset;
  const [receiveCode, receiveScale] = receive?.asset.split(':') ?? [];
  return {
    ...(debit !== undefined && { debitAmount: { value: `${debit}`, assetCode: code, assetScale: scale } }),
    ...(receive && {
      receiveAmount: { value: `${receive.value}`, assetCode: receiveCode, assetScale: Number(receiveScale) },
    }),
    ...(interval && { interval: `R${interval.count ?? ''}/${BEGINNING}/PT${interval.seconds}S` }),
  };
}

interface WireAmount {
  readonly value: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

export const read = (wire: WireAmount | null): Amount | null =>
  wire && { value: BigInt(wire.value), asset: nameOf({ code: wire.assetCode, scale: wire.assetScale }) };

/** The parts of an answer that the model describes. */
export function readAnswer(
  { kind }: Action,
  // biome-ignore lint/suspicious/noExplicitAny: the model says what must be there
  { status, body }: { readonly status: number; readonly body?: any },
): Answer {
  const { error } = body ?? {};
  const isPlain = kind === 'deposit' || kind === 'withdraw' || kind === 'part' || kind === 'rejoin';
  if (error) {
    const least = error.details?.minSendAmount;
    return {
      status: isPlain ? `${status}` : `${status} ${error.description}`,
      ...(least && { least: BigInt(least.value) }),
    };
  }
  const plain = { status: `${status}` };
  const expires = () => (Date.parse(body.expiresAt) - Date.parse(BEGINNING)) / 1000;
  switch (kind) {
    case 'receive':
    case 'complete':
      return { ...plain, expires: expires(), received: BigInt(body.receivedAmount.value) };
    case 'quote':
      return { ...plain, debit: read(body.debitAmount)!, receive: read(body.receiveAmount)!, expires: expires() };
    case 'pay quote':
    case 'pay incoming':
      return {
        ...{ ...plain, debit: read(body.debitAmount)!, receive: read(body.receiveAmount)! },
        spentDebit: read(body.grantSpentDebitAmount)!,
        spentReceive: read(body.grantSpentReceiveAmount)!,
      };
    default:
      return plain;
  }
}
