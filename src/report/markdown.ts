/**
 * The report as Markdown for the summary of a job in GitHub Actions. Text from requests is always a code span, in which
 * nothing is interpreted (GFM §6.3): no HTML, link, mention or image.
 */
import { type Case, durationOf, isLink, percent, type ShownVerdict, type View, verdictsOf } from './view.ts';
import { markDifference, shorten, visible } from './visible-text.ts';

/** Characters of a text, and of its visible form. GitHub accepts one mebibyte for the summary of a step. */
const MAX_VALUE = 300;
const MAX_VISIBLE = 600;

export function renderMarkdown(view: View): string {
  const { probes, words } = view;
  const cell = ({ met, judged }: { met: number; judged: number }) => `${met} of ${judged}`;
  const { operations } = view.coverage;
  return [
    `## ${{ passed: '✅', failed: '❌', broken: '💥' }[view.result]} Open Payments ${view.subject}: ${view.result}`,
    ...[...view.reasons, ...view.remarks].map((reason) => `- ${prose(reason)}`),
    '',
    `| ${[...view.levels.map(({ name }) => name), 'probes'].join(' | ')} | expected failures | stale | operations | statuses |`,
    `|${' :-: |'.repeat(view.levels.length + 5)}`,
    `| ${[
      ...view.levels.map(cell),
      probes === undefined ? '–' : cell(probes),
      verdictsOf(view, 'expected').length,
      view.stale.length,
      `${operations.seen} of ${operations.declared}`,
      percent(view.coverage.statuses),
    ].join(' | ')} |`,
    '',
    ...tableOf(view, 'Failures', verdictsOf(view, 'fail')),
    ...tableOf(view, 'Warnings', verdictsOf(view, 'warning')),
    ...listOf('Expected failures', verdictsOf(view, 'expected'), ({ expected }) => prose(expected!)),
    ...listOf('Notes', verdictsOf(view, 'note'), ({ violations }) => `${violations}×`),
    ...listOf(capitalise(words.inconclusive), verdictsOf(view, 'inconclusive'), ({ reason = '' }) => prose(reason)),
    ...(view.stale.length > 0
      ? ['### Stale', '', ...view.stale.map((id) => `- ${id} is met: remove it from the baseline`), '']
      : []),
    ...listOf(capitalise(words['not-exercised']), verdictsOf(view, 'not-exercised'), ({ reason = '' }) =>
      reason === '' ? '' : prose(reason),
    ),
    `<sub>Touchstone ${prose(view.version)}, profile ${prose(view.profile)}, requirements ${prose(view.requirements)}, ` +
      `${durationOf(view.milliseconds)}. ${view.target === '' ? '' : `${code(view.target)} `}${view.end}.</sub>`,
    '',
  ].join('\n');
}

const capitalise = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

function tableOf({ noun }: View, title: string, verdicts: readonly ShownVerdict[]): string[] {
  if (verdicts.length === 0) return [];
  const rows = verdicts.map((verdict) => {
    const { level, violations, applied, cases } = verdict;
    const { id, title: rule, fix, references } = verdict.rule;
    const reference = references.find(({ url }) => isLink(url));
    const link = reference === undefined ? '' : `<br>[${linkText(reference.citation)}](${reference.url})`;
    const often = violations > 1 ? `<br>${violations} of ${applied} cases` : '';
    return `| ${[
      `**${id}**<br>${level}`,
      `${cellText(rule)}${often}${link}`,
      cases[0] === undefined ? '' : evidenceOf(cases[0]),
      cellText(fix),
    ].join(' | ')} |`;
  });
  return [`### ${title}`, '', `| id | ${noun} | evidence | fix |`, '| --- | --- | --- | --- |', ...rows, ''];
}

/** Trusted text; a pipe would end the cell. */
const cellText = (text: string): string => text.replaceAll('|', '\\|');

/** A URL is shown as itself; brackets would end the text of a link. */
const linkText = (citation: string): string => citation.replaceAll(/[[\]|]/g, '');

function evidenceOf({ detail, expected, actual, firstDifference, exchange, probe, curl }: Case): string {
  const source = [
    ...(exchange === undefined ? [] : [`exchange ${exchange}`]),
    ...(probe === undefined ? [] : [`probe ${probe.id} ${probe.name}`]),
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
    ...(curl === undefined ? [] : [code(curl)]),
  ].join('<br>');
}

function listOf(title: string, verdicts: readonly ShownVerdict[], text: (verdict: ShownVerdict) => string): string[] {
  if (verdicts.length === 0) return [];
  return [
    `<details><summary>${title} (${verdicts.length})</summary>`,
    '',
    ...verdicts.map((verdict) => {
      const remark = text(verdict);
      return `- ${verdict.rule.id} ${verdict.rule.title}${remark === '' ? '' : `: ${remark}`}`;
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
