/** The report for a terminal: what is wrong, with evidence and fix, and then the figures. */
import { styleText } from 'node:util';
import { type RequirementId, requirements } from '../catalogue.ts';
import { probes } from '../probes.ts';
import type { Report, Verdict } from '../report.ts';
import {
  areaOf,
  type Case,
  casesOf,
  citationsOf,
  commandLine,
  countLevels,
  countProbes,
  durationOf,
  endOf,
  type LevelCount,
  percent,
  reasonOf,
  verdictsOf,
} from './summary.ts';
import { markDifference, shorten, visible } from './visible-text.ts';

export interface TerminalOptions {
  readonly colours: boolean;
  /** Width in columns. */
  readonly columns: number;
  /** Where the other formats are, for the last line. */
  readonly location?: string;
}

interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const MIN_COLUMNS = 40;
const MAX_COLUMNS = 120;

/** Colours only on a terminal that can show them, and unless `NO_COLOR` is set (no-color.org). */
export function terminalOptions(
  { isTTY, columns = 100 }: TerminalStream,
  env: Readonly<Record<string, string | undefined>>,
): Pick<TerminalOptions, 'colours' | 'columns'> {
  return {
    colours: isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: Math.min(Math.max(columns, MIN_COLUMNS), MAX_COLUMNS),
  };
}

type Format = Parameters<typeof styleText>[0];
type Paint = (format: Format, text: string) => string;

/** Violations of a requirement that are shown; the other formats have more. */
const MAX_CASES = 3;
const MAX_REFERENCES = 2;
const MAX_VALUE = 400;
const INDENT = ' '.repeat(6);

export function renderTerminal(report: Report, { colours, columns, location }: TerminalOptions): string {
  const paint: Paint = (format, text) => (colours ? styleText(format, text, { validateStream: false }) : text);
  const wrap = (text: string): string[] => wrapText(text, columns, INDENT);
  const listed = (word: string, colour: 'red' | 'yellow', verdicts: readonly Verdict[]): string[] =>
    verdicts.flatMap((verdict) => [
      ...violationLines(report, verdict, paint([colour, 'bold'], word), { paint, wrap }),
      '',
    ]);
  return [
    ...headLines(report, paint),
    '',
    ...listed('FAIL', 'red', verdictsOf(report, 'fail')),
    ...listed('WARN', 'yellow', verdictsOf(report, 'warning')),
    ...shortLines(report, { paint, wrap }),
    ...totalLines(report, paint, wrap),
    ...(location === undefined ? [] : [`  report: ${visible(location)}`]),
    ...resultLines(report, paint, wrap),
    '',
  ].join('\n');
}

function headLines(report: Report, paint: Paint): string[] {
  const { version, profile, requirements: set, seed, milliseconds, coverage, exchanges } = report;
  const facts = [`profile ${profile}`, `requirements ${set}`, ...(seed === null ? [] : [`seed ${seed}`])];
  const command = commandLine(report);
  return [
    `${paint('bold', `touchstone grade ${version}`)}   ${visible(facts.join('   '))}   ${durationOf(milliseconds)}`,
    `  ${command === '' ? '' : `${visible(shorten(command, MAX_VALUE))}   `}${endOf(report)}`,
    `  ${count(exchanges.length, 'request')} · ${coverage.operations.seen} of ${coverage.operations.declared} operations · ` +
      `${percent(coverage.statuses)} of declared statuses`,
  ];
}

interface Tools {
  readonly paint: Paint;
  readonly wrap: (text: string) => string[];
}

function violationLines(report: Report, verdict: Verdict, word: string, { paint, wrap }: Tools): string[] {
  const { id, level, applied, violations } = verdict;
  const { title, fix } = requirements[id];
  const cases = casesOf(report, verdict);
  const often = violations > 0 ? `   ${violations} of ${count(applied, 'case')}` : '';
  const more = Math.max(violations, cases.length) - MAX_CASES;
  return [
    `${word}  ${paint('bold', id)}  ${level}  ${title}${paint('dim', often)}`,
    ...citationsOf(id)
      .slice(0, MAX_REFERENCES)
      .map(({ citation, url }) => paint('dim', citation === url ? `${INDENT}${url}` : `${INDENT}${citation}  ${url}`)),
    ...cases.slice(0, MAX_CASES).flatMap((each) => caseLines(each, { paint, wrap })),
    ...(more > 0 ? [paint('dim', `${INDENT}and ${more} more`)] : []),
    ...wrap(`→ ${fix}`).map((line) => paint('green', line)),
  ];
}

function caseLines({ detail, expected, actual, firstDifference, exchange, probe }: Case, { paint, wrap }: Tools) {
  const source = [
    ...(exchange === undefined ? [] : [`#${exchange}`]),
    ...(probe === undefined ? [] : [`${probe} ${probes[probe].name}`]),
  ].join(' ');
  const sentence = visible(shorten(detail, MAX_VALUE));
  const value = (label: string, text: string | undefined): string[] => {
    if (text === undefined) return [];
    const start = `${INDENT}${paint('dim', label.padEnd(9))}`;
    if (firstDifference === undefined) return [start + visible(shorten(text, MAX_VALUE))];
    const { before, at, after } = markDifference(text, firstDifference);
    return [start + before + paint('inverse', at) + after];
  };
  return [
    ...wrap(source === '' ? sentence : `${source}  ${sentence}`),
    ...value('expected', expected),
    ...value('actual', actual),
    ...(firstDifference === undefined || actual === undefined ? [] : [marker(actual, firstDifference, paint)]),
  ];
}

/** Points at the first byte that differs in the line above. */
function marker(actual: string, offset: number, paint: Paint): string {
  const column = INDENT.length + 9 + markDifference(actual, offset).before.length;
  return paint('red', `${' '.repeat(column)}^ byte ${offset}`);
}

/** Everything that is not a failure or a warning, in a line each. */
function shortLines(report: Report, { paint, wrap }: Tools): string[] {
  const list = (word: string, verdicts: readonly Verdict[], text: (verdict: Verdict) => string): string[] =>
    verdicts.map((verdict) => `${paint('cyan', word)}  ${verdict.id}  ${text(verdict)}`);
  const lines = [
    ...list('NOTE', verdictsOf(report, 'note'), ({ id, violations }) => `${requirements[id].title} (${violations}×)`),
    ...list('EXPECTED', verdictsOf(report, 'expected'), ({ expected }) => visible(shorten(expected!, MAX_VALUE))),
    ...list('INCONCLUSIVE', verdictsOf(report, 'inconclusive'), (verdict) =>
      visible(shorten(reasonOf(verdict), MAX_VALUE)),
    ),
    ...report.stale.map((id) => `${paint(['red', 'bold'], 'STALE')}  ${id}  is met: remove it from the baseline`),
  ];
  const missing = verdictsOf(report, 'not-exercised').map(({ id }) => id);
  const skipped = missing.length === 0 ? [] : ['not exercised', ...wrap(byArea(missing))];
  return [...lines, ...skipped, ...(lines.length + skipped.length > 0 ? [''] : [])];
}

/** Ids in short: `CL-Q-01 02 05`. */
const byArea = (ids: readonly RequirementId[]): string =>
  [...Map.groupBy(ids, areaOf)]
    .map(([area, members]) => `${area}-${members.map((id) => id.slice(area.length + 1)).join(' ')}`)
    .join(', ');

function totalLines(report: Report, paint: Paint, wrap: Tools['wrap']): string[] {
  const { must, should, note } = countLevels(report);
  const traps = countProbes(report);
  const figure = (label: string, { met, judged }: LevelCount): string =>
    `${label} ${paint(met === judged ? 'green' : 'red', `${met}/${judged}`)}`;
  const { missing } = report.coverage;
  const counts = [
    figure('must', must),
    figure('should', should),
    figure('note', note),
    ...(traps.total > 0 ? [figure('probes', traps)] : []),
  ];
  const others = [
    `expected failures ${verdictsOf(report, 'expected').length}`,
    `stale ${report.stale.length}`,
    `not exercised ${verdictsOf(report, 'not-exercised').length}`,
  ];
  return [
    `  ${counts.join('   ')}`,
    `  ${others.join('   ')}`,
    ...(missing.length > 0 ? ['  never called', ...wrap(missing.join(' '))] : []),
  ];
}

function resultLines({ result, reasons, exitCode }: Report, paint: Paint, wrap: Tools['wrap']): string[] {
  const word = paint(result === 'passed' ? ['green', 'bold'] : ['red', 'bold'], result.toUpperCase());
  return [`${word}   exit ${exitCode}`, ...reasons.flatMap((reason) => wrap(visible(shorten(reason, MAX_VALUE))))];
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Indented lines. Words are never cut. */
function wrapText(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
