/** Applies an armed fault to a request (CT-06). */
import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from '../faults.ts';
import type { Reply } from './reply.ts';

/**
 * What takes the place of the answer: a reply, or a connection that ends. Undefined leaves it as it is; throws where the
 * server is to fail. `wordForFailure` is its own code for that.
 */
export async function injectFault(
  fault: Fault | undefined,
  stage: 'before' | 'after',
  wordForFailure: () => string,
): Promise<Reply | 'no answer' | undefined> {
  if (!fault || (fault.kind === 'after-commit') !== (stage === 'after')) return undefined;
  switch (fault.kind) {
    case 'status':
      return answerWithError(fault, fault.status ?? 500, wordForFailure());
    case 'crash':
      throw new Error('a fault on purpose');
    case 'delay':
      await wait(fault.delayMs ?? 1000);
      return undefined;
    case 'garbage':
      return { status: fault.status ?? 200, body: '{"id": "' };
    case 'reset':
      return 'no answer';
    case 'after-commit':
      return fault.status === undefined ? 'no answer' : answerWithError(fault, fault.status, wordForFailure());
  }
}

function answerWithError({ code, form = 'error' }: Fault, status: number, usualCode: string): Reply {
  const description = 'a fault on purpose';
  const headers: Record<string, string> = status === 429 || status === 503 ? { 'Retry-After': '1' } : {};
  if (form === 'text') {
    return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: description };
  }
  return { status, headers, body: { error: { ...(form === 'error' && { code: code ?? usualCode }), description } } };
}
