/** Applies an armed fault to a request (CT-06). */
import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from '../faults.ts';
import type { Reply } from './reply.ts';

/**
 * The effect of the fault at this stage: a reply, or the end of the connection. Undefined if the call goes on normally.
 * Throws if the fault is a crash.
 */
export async function injectFault(
  fault: Fault | undefined,
  stage: 'before' | 'after',
  internalErrorCode: () => string,
): Promise<Reply | 'no answer' | undefined> {
  if (!fault || (fault.kind === 'after-commit') !== (stage === 'after')) return undefined;
  switch (fault.kind) {
    case 'status':
      return answerWithError(fault, fault.status ?? 500, internalErrorCode());
    case 'crash':
      throw new Error('injected fault');
    case 'delay':
      await wait(fault.delayMs ?? 1000);
      return undefined;
    case 'garbage':
      return { status: fault.status ?? 200, body: '{"id": "' };
    case 'reset':
      return 'no answer';
    case 'after-commit':
      return fault.status === undefined ? 'no answer' : answerWithError(fault, fault.status, internalErrorCode());
  }
}

/** An error as Touchstone, or in another `form` as Rafiki, sends it (AS-163). */
function answerWithError({ code, form = 'error' }: Fault, status: number, defaultCode: string): Reply {
  const description = 'injected fault';
  const headers: Record<string, string> = status === 429 || status === 503 ? { 'Retry-After': '1' } : {};
  if (form === 'text') {
    return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: description };
  }
  return { status, headers, body: { error: { ...(form === 'error' && { code: code ?? defaultCode }), description } } };
}
