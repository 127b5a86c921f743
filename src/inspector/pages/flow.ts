/** The newest requests as a sequence diagram. */

import { html } from '../../html/html.ts';
import { renderFlow } from '../../report/html/flow.ts';
import { listNewest, toStep } from '../exchanges.ts';
import { nextPage } from '../pieces.ts';
import { LIVE_MS, type Route } from '../route.ts';

const PER_PAGE = 40;

export const flowPage: Route = {
  method: 'GET',
  path: '/flow',
  async serve(context) {
    const { world, base, query } = context;
    const { before } = query;
    const listed = listNewest(world, PER_PAGE + 1, ({ id }) => !before || id < Number(before));
    const steps = listed
      .slice(0, PER_PAGE)
      .map((request) => toStep(context, request))
      .sort((one, other) => one.at - other.at);
    const start = Math.min(...steps.map(({ at }) => at));
    const flow = renderFlow(steps, { start });
    const empty = html`<section id="flow"><p>No requests yet. <a href="${base}/pay">Make a payment by hand</a> to see one.</p></section>`;
    const tooWide = html`<section id="flow"><p>More servers took part than a diagram can show.</p></section>`;
    return {
      title: 'Flow',
      ...(before ? {} : { every: LIVE_MS }),
      content: html`<p class="soft">Each arrow is a request with the status of its answer. The page of a <a href="${base}/payments">payment</a> shows only its requests, with its packets.</p>
<div id="diagram" data-live>${flow ?? (steps.length === 0 ? empty : tooWide)}</div>
${nextPage(`${base}/flow`, { before: String(listed[PER_PAGE - 1]?.id) }, listed.length > PER_PAGE)}`,
    };
  },
};
