/** The trap that grants less than the client asked for. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import type { Answer } from '../../http/reply.ts';
import type { TrapContext } from './trap.ts';
import { accessOf, errorReply, type Json, member, poisoned, requestKey, successOf, text, withBody } from './wire.ts';

/** Shows half of the debit limit and no action `list`, and enforces both. */
export function narrowGrant({ facts }: TrapContext): Interceptor {
  const quoted = new Map<string, bigint>();
  const limits = new Map<string, bigint>();
  const attempts = new Map<string, number>();
  const spent = new Map<string, bigint>();
  const narrow = (item: Json): Json => {
    const value = text(item['limits'], 'debitAmount', 'value');
    if (item['type'] !== 'outgoing-payment' || value === undefined) return item;
    const debitAmount = { ...(member(item, 'limits', 'debitAmount') as Json), value: `${BigInt(value) / 2n}` };
    const actions = Array.isArray(item['actions']) ? item['actions'].filter((action) => !/^list/.test(action)) : [];
    return { ...item, actions, limits: { ...(item['limits'] as Json), debitAmount } };
  };
  /** The amount that a payment debits, as far as it is known. */
  const debitOf = ({ body }: InterceptedCall): bigint =>
    quoted.get(text(body, 'quoteId') ?? '') ?? BigInt(text(body, 'debitAmount', 'value') ?? 0);
  const refuse = (call: InterceptedCall, free: number, detail: string): Answer => {
    const key = requestKey(call);
    attempts.set(key, (attempts.get(key) ?? 0) + 1);
    if (attempts.get(key)! > free) facts.forbid(call, detail);
    return errorReply(403, 'insufficient_grant', 'unauthorized');
  };
  return {
    async answer(call, next) {
      const limit = limits.get(call.token ?? '');
      if (limit !== undefined && call.operation === 'list-outgoing-payments') {
        return refuse(call, 1, 'The client repeated an action that was not granted.');
      }
      const isPayment = limit !== undefined && call.operation === 'create-outgoing-payment';
      const total = isPayment ? (spent.get(call.token!) ?? 0n) + debitOf(call) : 0n;
      if (isPayment && total > limit) {
        return refuse(call, 2, 'The client tried the same payment over the limit for a third time.');
      }
      const answer = await next();
      if (isPayment && successOf(answer)) spent.set(call.token!, total);
      const body = successOf(answer);
      const debit = call.operation === 'create-quote' ? text(body, 'debitAmount', 'value') : undefined;
      const id = text(body, 'id');
      if (debit !== undefined && id !== undefined) quoted.set(id, BigInt(debit));
      const value = text(body, 'access_token', 'value');
      if (!body || value === undefined) return answer;
      const access = accessOf(body).map(narrow);
      const narrowed = access.find(
        ({ type, limits: each }) => type === 'outgoing-payment' && member(each, 'debitAmount'),
      );
      if (!narrowed) return answer;
      facts.arm();
      limits.set(value, BigInt(text(narrowed['limits'], 'debitAmount', 'value')!));
      const token = { ...(body['access_token'] as Json), access };
      return poisoned(facts, call, withBody(answer, { ...body, access_token: token }));
    },
  };
}
