/** Exchanges of the trace, as the inspector lists them. */

import { html } from '../html/html.ts';
import type { TracedRequest } from '../http/request-trace.ts';
import { type FlowStep, stepOfExchange } from '../report/html/flow.ts';
import type { InspectedWorld, PageContext } from './route.ts';

/** The trace keeps at least that many. */
const MAX_LISTED = 1000;

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

/** The exchange as a row of the diagram. The trace has hidden the secrets of its target. */
export function toStep({ world, base }: Pick<PageContext, 'world' | 'base'>, request: TracedRequest): FlowStep {
  const { id, ase, operation, status, method, target, at } = request;
  const recorded = world.controls.findExchange(id);
  const receivedAt = recorded ? new Date(recorded.receivedAt).toISOString() : at;
  const shape = { line: `${method} ${target}`, headers: recorded?.request.rawHeaders ?? [] };
  const verdict = verdictOf(world, id);
  const mark = verdict === 'fail' ? 'failure' : verdict === 'warning' ? 'caution' : undefined;
  const label = html`<a href="${base}/requests/${String(id)}">#${String(id)}</a>`;
  return stepOfExchange({ id, ase, operation, status, receivedAt, request: shape }, label, mark);
}
