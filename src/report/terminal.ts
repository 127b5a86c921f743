/** The report for a terminal: what is wrong, with evidence and fix, and then the figures. */
import { styleText } from 'node:util';
import {
  type Case,
  count,
  durationOf,
  type LevelCount,
  percent,
  type ShownVerdict,
  type View,
  verdictsOf,
} from './view.ts';
import { markDifference, shorten, visible, visibleLines } from './visible-text.ts';

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

export function renderTerminal(view: View, { colours, columns, location }: TerminalOptions): string {
  const paint: Paint = (format, text) => (colours ? styleText(format, text, { validateStream: false }) : text);
  const wrap = (text: string): string[] => wrapText(text, columns, INDENT);
  const listed = (word: string, colour: 'red' | 'yellow', verdicts: readonly ShownVerdict[]): string[] =>
    verdicts.flatMap((verdict) => [...violationLines(verdict, paint([colour, 'bold'], word), { paint, wrap }), '']);
  return [
    ...headLines(view, paint),
    '',
    ...listed('FAIL', 'red', verdictsOf(view, 'fail')),
    ...listed('WARN', 'yellow', verdictsOf(view, 'warning')),
    ...shortLines(view, { paint, wrap }),
    ...areaLines(view, paint),
    ...totalLines(view, paint, wrap),
    ...(location === undefined ? [] : [`  report: ${visible(location)}`]),
    ...resultLines(view, paint, wrap),
    '',
  ].join('\n');
}

function headLines(view: View, paint: Paint): string[] {
  const { program, version, profile, requirements: set, seed, milliseconds, coverage, target, end } = view;
  const facts = [`profile ${profile}`, `requirements ${set}`, ...(seed === null ? [] : [`seed ${seed}`])];
  return [
    `${paint('bold', `${program} ${version}`)}   ${visible(facts.join('   '))}   ${durationOf(milliseconds)}`,
    `  ${target === '' ? '' : `${visible(shorten(target, MAX_VALUE))}   `}${end}`,
    `  ${count(view.requests, 'request')} · ${coverage.operations.seen} of ${coverage.operations.declared} operations · ` +
      `${percent(coverage.statuses)} of declared statuses${coverage.branches ? ` · ${percent(coverage.branches)} of schema branches` : ''}`,
  ];
}

interface Tools {
  readonly paint: Paint;
  readonly wrap: (text: string) => string[];
}

function violationLines(verdict: ShownVerdict, word: string, { paint, wrap }: Tools): string[] {
  const { level, applied, violations, cases } = verdict;
  const { id, title, fix, references } = verdict.rule;
  const often = violations > 0 ? `   ${violations} of ${count(applied, 'case')}` : '';
  const more = Math.max(violations, cases.length) - MAX_CASES;
  return [
    `${word}  ${paint('bold', id)}  ${level}  ${title}${paint('dim', often)}`,
    ...references
      .slice(0, MAX_REFERENCES)
      .map(({ citation, url }) => paint('dim', citation === url ? `${INDENT}${url}` : `${INDENT}${citation}  ${url}`)),
    ...cases.slice(0, MAX_CASES).flatMap((each) => caseLines(each, { paint, wrap })),
    ...(more > 0 ? [paint('dim', `${INDENT}and ${more} more`)] : []),
    ...wrap(`→ ${fix}`).map((line) => paint('green', line)),
  ];
}

function caseLines(each: Case, { paint, wrap }: Tools) {
  const { detail, expected, actual, firstDifference, exchange, probe, curl } = each;
  const source = [
    ...(exchange === undefined ? [] : [`#${exchange}`]),
    ...(probe === undefined ? [] : [`${probe.id} ${probe.name}`]),
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
    // Words of a command must stay on one line to be copied.
    ...(curl === undefined ? [] : [INDENT + paint('dim', visible(curl))]),
  ];
}

/** Points at the first byte that differs in the line above. */
function marker(actual: string, offset: number, paint: Paint): string {
  const column = INDENT.length + 9 + markDifference(actual, offset).before.length;
  return paint('red', `${' '.repeat(column)}^ byte ${offset}`);
}

/** Everything that is not a failure or a warning, in a line each. */
function shortLines(view: View, { paint, wrap }: Tools): string[] {
  const { words, stale } = view;
  const list = (word: string, verdicts: readonly ShownVerdict[], text: (verdict: ShownVerdict) => string) =>
    verdicts.map((verdict) => `${paint('cyan', word)}  ${verdict.rule.id}  ${text(verdict)}`);
  const lines = [
    ...list('NOTE', verdictsOf(view, 'note'), ({ rule, violations }) => `${rule.title} (${violations}×)`),
    ...list('EXPECTED', verdictsOf(view, 'expected'), ({ expected }) => visible(shorten(expected!, MAX_VALUE))),
    ...list(words.inconclusive.toUpperCase(), verdictsOf(view, 'inconclusive'), ({ reason = '' }) =>
      visible(shorten(reason, MAX_VALUE)),
    ),
    ...stale.map((id) => `${paint(['red', 'bold'], 'STALE')}  ${id}  is met: remove it from the baseline`),
  ];
  const missing = verdictsOf(view, 'not-exercised');
  const skipped = [...Map.groupBy(missing, ({ reason = '' }) => reason)].flatMap(([reason, verdicts]) => [
    `${words['not-exercised']}${reason === '' ? '' : `: ${reason}`}`,
    ...wrap(idsByArea(verdicts)),
  ]);
  return [...lines, ...skipped, ...(lines.length + skipped.length > 0 ? [''] : [])];
}

/** Ids in short: `CL-Q-01 02 05`. */
const idsByArea = (verdicts: readonly ShownVerdict[]): string =>
  [...Map.groupBy(verdicts, ({ rule }) => rule.area)]
    .map(([area, members]) => {
      const [first, ...others] = members.map(({ rule }) => rule.id);
      return [first, ...others.map((id) => id.slice(area.length + 1))].join(' ');
    })
    .join(', ');

/** The areas of a server, each with what it met. A client has few areas, and each is of many requirements. */
function areaLines({ noun, areas, verdicts }: View, paint: Paint): string[] {
  if (noun !== 'check') return [];
  const width = Math.max(...areas.map(([id]) => id.length));
  const lines = areas.flatMap(([area]) => {
    const judged = verdicts.filter(({ rule, standing }) => rule.area === area && !unjudged.has(standing));
    if (judged.length === 0) return [];
    const met = judged.filter(({ standing }) => standing === 'pass').length;
    const figures = `${met}/${judged.length}`;
    return [`  ${area.padEnd(width)}  ${paint(met === judged.length ? 'green' : 'red', figures)}`];
  });
  return lines.length < 2 ? [] : [...lines, ''];
}

const unjudged: ReadonlySet<string> = new Set(['not-exercised', 'inconclusive']);

function totalLines(view: View, paint: Paint, wrap: Tools['wrap']): string[] {
  const figure = (label: string, { met, judged }: LevelCount): string =>
    `${label} ${paint(met === judged ? 'green' : 'red', `${met}/${judged}`)}`;
  const { missing } = view.coverage;
  const counts = [
    ...view.levels.map((level) => figure(level.name, level)),
    ...(view.probes ? [figure('probes', view.probes)] : []),
  ];
  const others = [
    `expected failures ${verdictsOf(view, 'expected').length}`,
    `stale ${view.stale.length}`,
    `${view.words['not-exercised']} ${verdictsOf(view, 'not-exercised').length}`,
  ];
  return [
    `  ${counts.join('   ')}`,
    `  ${others.join('   ')}`,
    ...(missing.length > 0 ? ['  never called', ...wrap(missing.join(' '))] : []),
  ];
}

function resultLines({ result, reasons, remarks, exitCode }: View, paint: Paint, wrap: Tools['wrap']): string[] {
  const word = paint(result === 'passed' ? ['green', 'bold'] : ['red', 'bold'], result.toUpperCase());
  const lines = [...reasons, ...remarks].flatMap((reason) => visibleLines(shorten(reason, MAX_VALUE)).flatMap(wrap));
  return [`${word}   exit ${exitCode}`, ...lines];
}

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
