/** The formats of a report. */
import { renderBadge } from '../../report/badge.ts';
import { renderHtml as renderPage } from '../../report/html/page.ts';
import { renderJUnit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { renderSarif } from '../../report/sarif.ts';
import { renderTerminal as renderText, type TerminalOptions } from '../../report/terminal.ts';
import type { Report } from '../report.ts';
import { renderExchanges, renderJson } from './json.ts';
import { viewOf } from './view.ts';

const EXCHANGES = 'exchanges.ndjson';

export const renderTerminal = (report: Report, options: TerminalOptions): string => renderText(viewOf(report), options);

export const renderHtml = (report: Report): string => renderPage(viewOf(report));

/** The files of a report by name. */
export const reportFiles = {
  'report.html': renderHtml,
  'report.json': renderJson,
  'junit.xml': (report) => renderJUnit(viewOf(report)),
  [EXCHANGES]: renderExchanges,
  'report.sarif': (report) => renderSarif(viewOf(report), EXCHANGES),
  'summary.md': (report) => renderMarkdown(viewOf(report)),
  'badge.json': (report) => renderBadge(viewOf(report)),
} as const satisfies Record<string, (report: Report) => string>;

/** The texts of all files by name. */
export const renderFiles = (report: Report): Record<string, string> =>
  Object.fromEntries(Object.entries(reportFiles).map(([name, render]) => [name, render(report)]));
