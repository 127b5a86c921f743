/** The report on the clients of this world so far: the page that `touchstone grade` writes. */

import type { Report } from '../../grade/report.ts';
import { viewOf } from '../../grade/reports/view.ts';
import { policyOf, renderHtml } from '../../report/html/page.ts';
import type { Route } from '../route.ts';

export const reportPage: Route = {
  method: 'GET',
  path: '/report',
  async serve({ world, base }) {
    // The control API describes the report in its own types.
    const report = (await world.api('get-report')) as unknown as Report;
    const view = viewOf(report);
    return { document: renderHtml(view, `${base}/requests`), policy: policyOf(view) };
  },
};
