/** The report of `touchstone check` as every format shows it, and its files. */
import { renderBadge } from '../../src/report/badge.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderJUnit } from '../../src/report/junit.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSarif } from '../../src/report/sarif.ts';
import type { Case, CountedLevel, Rule, ShownVerdict, View } from '../../src/report/view.ts';
import { escapeJson } from '../../src/report/visible-text.ts';
import { type CheckReport, type CheckVerdict, describeLack } from './conclusion.ts';

/** Weights of a violation where the target is not Touchstone. */
const weights: Readonly<Record<string, CountedLevel['weight']>> = {
  must: 'fail',
  should: 'warning',
  optional: 'warning',
};

export function viewOf(report: CheckReport, isOwn: boolean): View {
  const { target, checks, profiles, summary } = report;
  const areas = [...new Set(checks.map(({ area }) => area))].map((area) => [area, area] as const);
  const counted = Object.entries(summary.levels).filter(([name, { judged }]) => judged > 0 || name === 'must');
  return {
    program: 'touchstone check',
    subject: 'server',
    noun: 'check',
    words: { pass: 'passed', inconclusive: 'inconclusive', 'not-exercised': 'not applicable' },
    ...report,
    profile: profiles.join(', ') || 'unknown',
    requirements: report.spec,
    seed: null,
    target: target === null ? '' : `${target.walletAddress} → ${target.receiver}`,
    targetName: 'Target',
    end: `${checks.length} checks`,
    remarks: [...Map.groupBy(report.leftBehind, ({ kind }) => kind)].map(
      ([kind, all]) => `left behind: ${all.length} ${kind}${all.length === 1 ? '' : 's'}`,
    ),
    areas,
    rules: checks.map(ruleOf),
    verdicts: checks.map(showVerdict),
    levels: counted.map(([name, count]) => ({ name, weight: weights[name] ?? (isOwn ? 'fail' : 'note'), ...count })),
    explainSignature: () => undefined,
    sections: [],
  };
}

const ruleOf = ({ id, area, title, statement, level, fix, references }: CheckVerdict): Rule => ({
  ...{ id, area, title, statement, level, fix, references },
  why: '',
});

function showVerdict(verdict: CheckVerdict): ShownVerdict {
  const { level, status, expected, runs, failures, lacks } = verdict;
  return {
    rule: ruleOf(verdict),
    level,
    status: status === 'not-applicable' ? 'not-exercised' : status,
    standing: expected !== undefined ? 'expected' : status === 'not-applicable' ? 'not-exercised' : status,
    ...{ applied: runs, violations: failures.length, hidden: 0 },
    cases: failures.map(
      ({ profile, message, expected: wanted, actual, exchange, curl }): Case => ({
        detail: profile && runs > 1 ? `profile ${profile}: ${message}` : message,
        ...{ expected: wanted, actual },
        ...(exchange !== undefined && { exchange }),
        ...(curl !== undefined && { curl }),
      }),
    ),
    ...(lacks && { reason: describeLack(lacks) }),
    ...(expected !== undefined && { expected }),
    fingerprint: [],
  };
}

const EXCHANGES = 'exchanges.ndjson';

export const renderJson = (report: CheckReport): string => `${escapeJson(JSON.stringify(report, null, 2))}\n`;

/** The texts of all files by name. */
export function renderFiles(report: CheckReport, isOwn: boolean): Record<string, string> {
  const view = viewOf(report, isOwn);
  return {
    'report.html': renderHtml(view),
    'report.json': renderJson(report),
    'junit.xml': renderJUnit(view),
    [EXCHANGES]: report.exchanges.map((exchange) => `${escapeJson(JSON.stringify(exchange))}\n`).join(''),
    'report.sarif': renderSarif(view, EXCHANGES),
    'summary.md': renderMarkdown(view),
    'badge.json': renderBadge(view),
  };
}
