/**
 * The report as Markdown for the summary of a job in GitHub Actions. Text from requests is always a code span, in which
 * nothing is interpreted (GFM §6.3): no HTML, link, mention or image.
 */
import { requirements } from '../catalogue.ts';
import { probes } from '../probes.ts';
import type { Report, Verdict } from '../report.ts';
import {
  type Case,
  casesOf,
  citationsOf,
  commandLine,
  countLevels,
  countProbes,
  durationOf,
  endOf,
  percent,
  reasonOf,
  verdictsOf,
} from './summary.ts';
import { markDifference, shorten, visible } from './visible-text.ts';

/** Characters of a text, and of its visible form. GitHub accepts one mebibyte for the summary of a step. */
const MAX_VALUE = 300;
const MAX_VISIBLE = 600;

export function renderMarkdown(report: Report): string {
  const { must, should, note } = countLevels(report);
  const traps = countProbes(report);
  const cell = ({ met, judged }: { met: number; judged: number }) => `${met} of ${judged}`;
  const { operations } = report.coverage;
  const command = commandLine(report);
  return [
    `## ${{ passed: '✅', failed: '❌', broken: '💥' }[report.result]} Open Payments client: ${report.result}`,
    ...report.reasons.map((reason) => `- ${prose(reason)}`),
    '',
    '| must | should | note | probes | expected failures | stale | operations | statuses |',
    '| :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: |',
    `| ${[
      cell(must),
      cell(should),
      cell(note),
      traps.total === 0 ? '–' : cell(traps),
      verdictsOf(report, 'expected').length,
      report.stale.length,
      `${operations.seen} of ${operations.declared}`,
      percent(report.coverage.statuses),
    ].join(' | ')} |`,
    '',
    ...tableOf(report, 'Failures', verdictsOf(report, 'fail')),
    ...tableOf(report, 'Warnings', verdictsOf(report, 'warning')),
    ...listOf('Expected failures', verdictsOf(report, 'expected'), ({ expected }) => prose(expected!)),
    ...listOf('Notes', verdictsOf(report, 'note'), ({ violations }) => `${violations}×`),
    ...listOf('Inconclusive', verdictsOf(report, 'inconclusive'), (verdict) => prose(reasonOf(verdict))),
    ...(report.stale.length > 0
      ? ['### Stale', '', ...report.stale.map((id) => `- ${id} is met: remove it from the baseline`), '']
      : []),
    ...listOf('Not exercised', verdictsOf(report, 'not-exercised'), () => ''),
    `<sub>Touchstone ${prose(report.version)}, profile ${prose(report.profile)}, requirements ${prose(report.requirements)}, ` +
      `${durationOf(report.milliseconds)}. ${command === '' ? '' : `${code(command)} `}${endOf(report)}.</sub>`,
    '',
  ].join('\n');
}

function tableOf(report: Report, title: string, verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return [];
  const rows = verdicts.map((verdict) => {
    const { id, level, violations, applied } = verdict;
    const reference = citationsOf(id)[0]!;
    const cases = casesOf(report, verdict);
    const often = violations > 1 ? `<br>${violations} of ${applied} cases` : '';
    return `| ${[
      `**${id}**<br>${level}`,
      `${requirements[id].title}${often}<br>[${linkText(reference.citation)}](${reference.url})`,
      cases[0] === undefined ? '' : evidenceOf(cases[0]),
      requirements[id].fix,
    ].join(' | ')} |`;
  });
  return [`### ${title}`, '', '| id | requirement | evidence | fix |', '| --- | --- | --- | --- |', ...rows, ''];
}

/** A URL is shown as itself; brackets would end the text of a link. */
const linkText = (citation: string): string => citation.replaceAll(/[[\]|]/g, '');

function evidenceOf({ detail, expected, actual, firstDifference, exchange, probe }: Case): string {
  const source = [
    ...(exchange === undefined ? [] : [`exchange ${exchange}`]),
    ...(probe === undefined ? [] : [`probe ${probe} ${probes[probe].name}`]),
  ].join(', ');
  const value = (label: string, text: string | undefined): string[] => {
    if (text === undefined) return [];
    if (firstDifference === undefined) return [`${label} ${code(text)}`];
    const { before, at, after } = markDifference(text, firstDifference);
    const parts = [before, at, after].map((part, index) => {
      const span = part === '' ? '' : code(part);
      return index === 1 && span !== '' ? `**${span}**` : span;
    });
    return [`${label} ${parts.join('')}`];
  };
  return [
    ...(source === '' ? [] : [source]),
    prose(detail),
    ...value('expected', expected),
    ...value('actual', actual),
    ...(firstDifference === undefined ? [] : [`first difference at byte ${firstDifference}`]),
  ].join('<br>');
}

function listOf(title: string, verdicts: readonly Verdict[], text: (verdict: Verdict) => string): string[] {
  if (verdicts.length === 0) return [];
  return [
    `<details><summary>${title} (${verdicts.length})</summary>`,
    '',
    ...verdicts.map((verdict) => {
      const remark = text(verdict);
      return `- ${verdict.id} ${requirements[verdict.id].title}${remark === '' ? '' : `: ${remark}`}`;
    }),
    '',
    '</details>',
    '',
  ];
}

/** Words and simple punctuation, which no Markdown processor interprets or links. */
const PLAIN = /^(?!\d+[.)])[\p{L}\p{N}](?:[\p{L}\p{N} .,;()'"’“”–%=§?-]|: |\p{L}\/\p{L})*$/u;
/** Beginnings of links that need no markup. */
const LINK = /www\.|\bgh-\d/i;

const prose = (text: string): string => (PLAIN.test(text) && !LINK.test(text) ? text : code(text));

/** A code span on one line. Its fence is longer than every run of backticks in it; a pipe would end a cell of a table. */
export function code(text: string): string {
  const shown = shorten(visible(shorten(text, MAX_VALUE)), MAX_VISIBLE).replaceAll('|', '\\u{7c}');
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const padding = /^[` ]|[` ]$/.test(shown) || shown === '' ? ' ' : '';
  return `${fence}${padding}${shown}${padding}${fence}`;
}
