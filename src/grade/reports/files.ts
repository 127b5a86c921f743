/** The files of a report by name. */
import type { Report } from '../report.ts';
import { renderBadge } from './badge.ts';
import { renderHtml } from './html/page.ts';
import { renderExchanges, renderJson } from './json.ts';
import { renderJUnit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderSarif } from './sarif.ts';

const EXCHANGES = 'exchanges.ndjson';

export const reportFiles = {
  'report.html': renderHtml,
  'report.json': renderJson,
  'junit.xml': renderJUnit,
  [EXCHANGES]: renderExchanges,
  'report.sarif': (report) => renderSarif(report, EXCHANGES),
  'summary.md': renderMarkdown,
  'badge.json': renderBadge,
} as const satisfies Record<string, (report: Report) => string>;
