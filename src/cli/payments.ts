/** `touchstone payments`: the outgoing payments of a running world by state and age, and the cancellation of one. */
import { ConfigError } from '../errors.ts';
import { visible } from '../report/visible-text.ts';
import { type ControlApi, openControlApi } from './control-client.ts';
import { formatAmount } from './format-amount.ts';
import type { Config } from './options.ts';

interface Payment {
  readonly id: string;
  readonly state: string;
  readonly receiver: string;
  readonly assetCode: string;
  readonly assetScale: number;
  readonly debitAmount: string;
  readonly sentAmount: string;
  readonly heldAmount: string;
  readonly acceptedAt: string;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly packetsInDoubt: number;
  readonly lastError: string | null;
}

/** Cancels the payment at the ASE that has it. */
async function cancel(
  api: ControlApi,
  paths: readonly string[],
  id: string,
  reason: string | undefined,
): Promise<Payment> {
  if (reason === undefined) throw new ConfigError('--cancel needs --reason, which the audit log keeps');
  for (const path of paths) {
    const payment = `${path}/${encodeURIComponent(id)}`;
    if ((await api.read(payment)) !== undefined) return (await api.post(`${payment}/cancel`, { reason })) as Payment;
  }
  throw new ConfigError(`no ASE of this world has the outgoing payment ${id}`);
}

export async function printPayments(config: Config, control: string | undefined): Promise<void> {
  const api = openControlApi(config, 'payments', control);
  const { ases } = (await api.read('/')) as { ases: readonly { readonly name: string }[] };
  const paths = ases.map(({ name }) => `/ases/${encodeURIComponent(name)}/outgoing-payments`);
  if (config.cancel !== undefined) {
    process.stdout.write(`${describe(await cancel(api, paths, config.cancel, config.reason))}\n`);
    return;
  }
  const query = new URLSearchParams({ state: config.state, 'older-than': `${config.olderThan}`, first: '100' });
  for (const [i, path] of paths.entries()) {
    const list = (await api.read(`${path}?${query}`)) as { payments: readonly Payment[]; hasNextPage: boolean };
    const lines = list.payments.map((payment) => `  ${describe(payment)}`);
    const more = list.hasNextPage ? ['  and more'] : [];
    process.stdout.write([ases[i]!.name, ...(lines.length > 0 ? lines : ['  none']), ...more, ''].join('\n'));
  }
}

/** The receiver is a client's text, and the last error can quote another server: neither must control the terminal. */
export function describe(payment: Payment): string {
  const { id, state, receiver, assetCode, assetScale, attempts, nextAttemptAt, packetsInDoubt, lastError } = payment;
  const amount = (value: string) => formatAmount(BigInt(value), assetScale);
  const money = `${amount(payment.debitAmount)} ${assetCode}, sent ${amount(payment.sentAmount)}, held ${amount(payment.heldAmount)}`;
  const next = nextAttemptAt === null ? '' : `, next attempt ${nextAttemptAt}`;
  return [
    `${state} since ${payment.acceptedAt}  ${money}  ${attempts} attempts${next}`,
    `    payment ${id} to ${visible(receiver)}`,
    ...(packetsInDoubt > 0 ? [`    packets in doubt: ${packetsInDoubt}`] : []),
    ...(lastError === null ? [] : [`    ${visible(lastError)}`]),
  ].join('\n');
}
