/** Exchanges of the trace, as the inspector lists them. */

import { html } from '../html/html.ts';
import type { TracedRequest } from '../http/request-trace.ts';
import { type FlowStep, stepOfExchange } from '../report/html/flow.ts';
import type { InspectedWorld, PageContext } from './route.ts';

/** The trace keeps at least that many. */
export const MAX_LISTED = 1000;

/** The newest ones that fit, newest first. */
export function listNewest(
  { controls }: InspectedWorld,
  limit: number,
  fits: (request: TracedRequest) => boolean = () => true,
): TracedRequest[] {
  return controls.listExchanges({ limit: MAX_LISTED }).toReversed().filter(fits).slice(0, limit);
}

/** The worst of its verdicts. `waiting`: a client's request that is not graded yet; undefined without a verdict. */
export function verdictOf({ controls }: InspectedWorld, id: number): 'fail' | 'warning' | 'note' | 'pass' | undefined {
  const verdicts = controls.verdictsOf?.(id) ?? [];
  return (['fail', 'warning', 'note', 'pass'] as const).find((status) =>
    verdicts.some((each) => each.status === status),
  );
}

/** A request line, taken apart. */
export function partsOfLine(line: string): {
  readonly method: string;
  readonly target: string;
  readonly version: string;
} {
  const [, method = 'GET', target = '/', version = '1.1'] = /^(\S+) (.*) HTTP\/([\d.]+)$/.exec(line) ?? [];
  return { method, target, version };
}

/** True if the request line, a header or the content of the request or its answer has the text, in upper or lower case. */
export function hasText({ controls }: InspectedWorld, id: number, text: string): boolean {
  const exchange = controls.findExchange(id);
  if (!exchange) return false;
  const { request, reply } = exchange;
  const parts = [
    `${request.method} ${request.rawTarget}`,
    ...[...request.rawHeaders, ...Object.entries(reply?.headers ?? {})].map(([name, value]) => `${name}: ${value}`),
    request.body.toString(),
    reply?.content ?? '',
  ];
  const wanted = text.toLowerCase();
  return parts.some((part) => part.toLowerCase().includes(wanted));
}

/** The exchange as a row of the diagram. The trace has hidden the secrets of its target. */
export function toStep({ world, base }: Pick<PageContext, 'world' | 'base'>, request: TracedRequest): FlowStep {
  const { id, ase, operation, status, method, target, at } = request;
  const recorded = world.controls.findExchange(id);
  const receivedAt = recorded ? new Date(recorded.receivedAt).toISOString() : at;
  const shape = { line: `${method} ${target}` };
  const isFromServer = recorded?.request.isFromServer;
  const verdict = verdictOf(world, id);
  const mark = verdict === 'fail' ? 'failure' : verdict === 'warning' ? 'caution' : undefined;
  const label = html`<a href="${base}/requests/${String(id)}">#${String(id)}</a>`;
  return stepOfExchange({ id, ase, operation, status, receivedAt, request: shape, isFromServer }, label, mark);
}
